/** I6: the offset in Kafka is never ahead of Postgres. It is for lag tools outside, and nobody goes on from it. */
import t from "tap";
import { setTheStage } from "../support/fault-setting.ts";
import { untilShared } from "../support/partitions.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Comparisons to make on each side of the fault. */
const COMPARISONS = 25;

t.test("at no moment does the group's offset in Kafka run ahead of what Postgres has counted", async (t) => {
	const stage = await setTheStage(t, { partitions: 3 });
	const { admin, name } = stage.topic;
	const published = async (): Promise<Map<number, number>> => {
		const [answer] = await admin.fetchOffsets({ groupId: name, topics: [name] });
		return new Map(answer!.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
	};
	const counted = async (): Promise<Map<number, number>> => {
		const { rows } = await stage.client.query(
			"SELECT kafka_partition AS p, next_offset::int AS o FROM source_offsets",
		);
		return new Map(rows.map(({ p, o }) => [p, o]));
	};
	const ahead: string[] = [];
	let comparisons = 0;
	const compare = async (): Promise<void> => {
		// Kafka first: what Postgres says afterwards can only be more.
		const inKafka = await published();
		const inPostgres = await counted();
		for (const [partition, offset] of inKafka) {
			if (offset > (inPostgres.get(partition) ?? 0))
				ahead.push(`partition ${partition}: Kafka ${offset}, Postgres ${inPostgres.get(partition)}`);
			else if (offset > 0) comparisons++;
		}
	};
	const compareMany = async (): Promise<void> => {
		const until = comparisons + COMPARISONS;
		await waitUntil(
			async () => {
				await compare();
				return comparisons >= until || ahead.length > 0;
			},
			{ what: "published offsets", everyMs: 20 },
		);
	};

	const env = { FLUSH_INTERVAL_MS: "20" };
	const one = await stage.start({ label: "one", env });
	await compareMany();
	const two = await stage.start({ label: "two", env });
	await untilShared([one, two], 3);
	await compareMany();
	two.kill("SIGKILL");
	await two.exited;
	await compareMany();
	await untilShared([one], 3);
	await compareMany();
	t.same(ahead, [], `in ${comparisons} comparisons`);

	await stage.expectExact();
	const stoppingMs = performance.now();
	t.same(await one.stop(), { code: 0, signal: null });
	const [told, stored] = [await published(), await counted()];
	// An end waits 2 s for Kafka at most.
	if (performance.now() - stoppingMs < 2_000) t.same(told, stored, "after the last commit both say the same");
});

t.test("what Kafka says is never read back: nonsense in the group has no effect", async (t) => {
	const stage = await setTheStage(t, { partitions: 1 });
	const { admin, name } = stage.topic;
	const first = await stage.start({ label: "first" });
	await waitUntil(async () => (await first.status()).totals.stored > 500);
	t.same(await first.stop(), { code: 0, signal: null });
	for (const offset of ["0", "999999"]) {
		await waitUntil(async () => {
			await admin.setOffsets({ groupId: name, topic: name, partitions: [{ partition: 0, offset }] });
			return true;
		});
		const { rows } = await stage.client.query("SELECT next_offset::int AS before FROM source_offsets");
		const next = await stage.start({ label: `behind ${offset}` });
		await waitUntil(async () => (await next.status()).totals.stored > 500);
		t.same(await next.stop(), { code: 0, signal: null });
		const { rows: after } = await stage.client.query("SELECT next_offset::int AS now FROM source_offsets");
		t.ok(
			after[0].now > rows[0].before,
			`goes on from ${rows[0].before}, whatever the group says (${offset})`,
		);
	}
	await stage.start({ label: "last" });
	await stage.expectExact();
});
