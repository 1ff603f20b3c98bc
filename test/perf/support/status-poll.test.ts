import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { combined, progressOf, waitFor } from "../../../perf/support/status-poll.ts";

t.test("progress is what is committed, and lag is only known when every partition's is", async (t) => {
	const fields = {
		flush: { lastCommitAtMs: 5 },
		totals: { stored: 7, deadLetters: 2, recoveries: 1 },
		sets: { open: { records: 10 }, waiting: null, committing: { records: 5 } },
	};
	t.strictSame(progressOf({ ...fields, partitions: [{ lag: 3 }, { lag: 4 }] }), {
		done: 9,
		lastCommitAtMs: 5,
		lag: 7,
		recoveries: 1,
		underWay: 15,
	});
	t.equal(progressOf({ ...fields, partitions: [{ lag: 3 }, { lag: null }] }).lag, null);
	t.equal(progressOf({ ...fields, partitions: [] }).lag, null, "no partition is not the end");
});

t.test("the progress of several engines is their sum, with the newest commit", async (t) => {
	const one = { done: 5, lastCommitAtMs: 100, lag: 3, recoveries: 0, underWay: 1 };
	const other = { done: 7, lastCommitAtMs: 90, lag: 0, recoveries: 2, underWay: 2 };
	t.strictSame(combined([one, other]), { done: 12, lastCommitAtMs: 100, lag: 3, recoveries: 2, underWay: 3 });
	t.equal(combined([one, { ...other, lastCommitAtMs: null }])?.lastCommitAtMs, 100);
	t.equal(combined([one, { ...other, lag: null }])?.lag, null, "half a lag is none");
	t.equal(combined([one, null]), null, "an engine that does not answer yet has committed nobody knows what");
});

t.test("an engine that is gone is an error at once", async (t) => {
	const engine = { url: "http://127.0.0.1:1", ended: () => "exit code 78" };
	const following = { stallTimeoutMs: 60_000 };
	await t.rejects(
		waitFor([engine], () => true, following),
		/exit code 78/,
	);
});

t.test("an engine that does not answer is an error in time", async (t) => {
	const engine = { url: "http://127.0.0.1:1", ended: () => null };
	await t.rejects(
		waitFor([engine], () => true, { stallTimeoutMs: 0 }),
		/nothing was committed/,
	);
});

t.test("an interruption ends the waiting", async (t) => {
	const engine = { url: "http://127.0.0.1:1", ended: () => null };
	const signal = AbortSignal.abort(new Error("Ctrl-C"));
	await t.rejects(
		waitFor([engine], () => true, { stallTimeoutMs: 60_000, signal }),
		/Ctrl-C/,
	);
});

t.test("an engine that recovers again and again without a commit is an error in time", async (t) => {
	let recoveries = 0;
	const server = createServer((_, response) => {
		recoveries++;
		const totals = { stored: 0, deadLetters: 0, recoveries };
		response.end(
			JSON.stringify({
				totals,
				sets: {},
				flush: { lastCommitAtMs: null },
				partitions: [{ lag: recoveries }],
			}),
		);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	const engine = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ended: () => null };
	await t.rejects(
		waitFor([engine], ({ done }) => done > 0, { stallTimeoutMs: 60 }),
		/nothing was committed.*"recoveries":[2-9]/,
	);
});
