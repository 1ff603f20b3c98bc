/** I8: every queue has a limit; reaching it pauses and never drops. */
import t from "tap";
import { setTheStage } from "../support/fault-setting.ts";
import { untilCaughtUp } from "../support/partitions.ts";
import { stream } from "../support/stream.ts";
import { waitUntil } from "../support/wait-until.ts";

const IN_FLIGHT_MB = 4;
/** Charged with about 190 bytes each: three times what may be in flight. */
const MESSAGES = 70_000;
const PARTITIONS = 3;
/**
 * What one fetch may bring on top, since the limit is looked at between fetches: a batch of the producer from each
 * partition (2,000 messages a request), charged with key and overhead.
 */
const ONE_FETCH_BYTES = 2_000 * 200 * 2;
/** Looks at the engine while it must not read on. */
const LOOKS = 40;

t.test(
	"while Postgres does not finish a set, what is in flight stays within its limit and Kafka waits",
	async (t) => {
		const stage = await setTheStage(t, {
			partitions: PARTITIONS,
			perSecond: 100_000,
			messages: (seed) => stream(seed, MESSAGES),
		});
		await stage.producer.done;
		// The first set gets as far as its hours, and no further.
		await stage.client.query("BEGIN; LOCK TABLE hourly_totals IN SHARE MODE");
		const engine = await stage.start({
			env: { IN_FLIGHT_MB_MAX: String(IN_FLIGHT_MB), FLUSH_ROWS_MAX: "1000" },
		});
		await waitUntil(async () => {
			const { partitions, sets } = await engine.status();
			return (
				sets.committing !== null &&
				sets.waiting !== null &&
				sets.open !== null &&
				partitions.length === PARTITIONS &&
				partitions.every(({ pausedReasons }) => pausedReasons.includes("flush"))
			);
		});
		const positions = new Set<string>();
		let setBytes = 0;
		let actorBytes = 0;
		for (let look = 0; look < LOOKS; look++) {
			const { credit, partitions, sets } = await engine.status();
			setBytes = Math.max(setBytes, credit.setBytes);
			actorBytes = Math.max(actorBytes, credit.actorBytes);
			positions.add(partitions.map(({ expectedOffset }) => expectedOffset).join());
			t.ok(
				sets.committing !== null && sets.waiting !== null && sets.open !== null,
				"one commits, one waits, one grows",
			);
			t.equal(credit.setBytesMax, IN_FLIGHT_MB * 2 ** 20);
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		t.ok(setBytes > IN_FLIGHT_MB * 2 ** 20, "the limit was reached");
		t.ok(setBytes <= IN_FLIGHT_MB * 2 ** 20 + ONE_FETCH_BYTES, `${setBytes} bytes in sets`);
		t.ok(
			actorBytes <= (IN_FLIGHT_MB * 2 ** 20) / 4 + ONE_FETCH_BYTES,
			`${actorBytes} bytes on the way to actors`,
		);
		t.ok(positions.size <= 2, `nothing is read meanwhile (${[...positions].join(" ")})`);

		await stage.client.query("COMMIT");
		await untilCaughtUp(engine);
		await stage.expectExact();
		const { credit, totals } = await engine.status();
		t.match(credit, { setBytes: 0, actorBytes: 0 }, "all credit is given back");
		t.equal(totals.recoveries, 0, "and it was patience, not a recovery");
		t.same(await engine.stop(), { code: 0, signal: null });
	},
);
