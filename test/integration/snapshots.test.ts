import pg from "pg";
import t from "tap";
import { setTheStage } from "../support/fault-setting.ts";
import { untilShared } from "../support/partitions.ts";
import { lookAtSnapshot, type Violation } from "../support/snapshot.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Snapshots to see before the fault, after it, and after the restart. */
const LOOKS = 12;

t.test("whoever reads at any moment sees sums that are exact for what is counted until then", async (t) => {
	const stage = await setTheStage(t, { partitions: 4, perSecond: 500 });
	const reader = new pg.Client({ ...stage.database.settings });
	await reader.connect();
	const violations: Violation[] = [];
	const seen = new Set<number>();
	let over = false;
	const reading = (async () => {
		while (!over) {
			const snapshot = await lookAtSnapshot(reader);
			violations.push(...snapshot.violations);
			seen.add(snapshot.counted);
		}
	})();
	const moreLooks = async (): Promise<void> => {
		const from = seen.size;
		await waitUntil(() => seen.size >= from + LOOKS || violations.length > 0, {
			what: `${LOOKS} snapshots that differ`,
		});
	};

	const env = { FLUSH_INTERVAL_MS: "20", FLUSH_ROWS_MAX: "100" };
	const stays = await stage.start({ label: "stays", env });
	const killed = await stage.start({ label: "killed", env });
	await untilShared([stays, killed], 4);
	await moreLooks();
	killed.kill("SIGKILL");
	await killed.exited;
	await moreLooks();
	const second = await stage.start({ label: "second", env });
	await untilShared([stays, second], 4);
	await moreLooks();

	over = true;
	await reading;
	await reader.end();
	t.same(violations, [], `I2 and I3 hold in ${seen.size} snapshots that differ`);
	await stage.expectExact();
});
