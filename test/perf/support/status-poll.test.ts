import t from "tap";
import { progressOf, waitFor } from "../../../perf/support/status-poll.ts";

t.test("progress is what is committed, and lag is only known when every partition's is", async (t) => {
	const fields = {
		flush: { lastCommitAtMs: 5 },
		totals: { stored: 7, deadLetters: 2, recoveries: 1 },
	};
	t.strictSame(progressOf({ ...fields, partitions: [{ lag: 3 }, { lag: 4 }] }), {
		done: 9,
		lastCommitAtMs: 5,
		lag: 7,
		recoveries: 1,
	});
	t.equal(progressOf({ ...fields, partitions: [{ lag: 3 }, { lag: null }] }).lag, null);
	t.equal(progressOf({ ...fields, partitions: [] }).lag, null, "no partition is not the end");
});

t.test("an engine that is gone is an error at once", async (t) => {
	const engine = { url: "http://127.0.0.1:1", ended: () => "exit code 78" };
	await t.rejects(
		waitFor(engine, () => true, 60_000),
		/exit code 78/,
	);
});

t.test("an engine that does not answer is an error in time", async (t) => {
	const engine = { url: "http://127.0.0.1:1", ended: () => null };
	await t.rejects(
		waitFor(engine, () => true, 0),
		/nothing has changed/,
	);
});
