import t from "tap";
import { judgeClaim } from "../../engine/judge-claim.ts";
import type { Claim } from "../../engine/ports.ts";

function claimAt(nextOffset: number, lastOffset: number | null = null): Claim {
	const last = lastOffset === null ? null : { offset: lastOffset, timestampMs: 0, hash: new Uint8Array(16) };
	return {
		partition: 0,
		epoch: 1,
		nextOffset,
		last,
		newestEventMs: null,
		recent: { records: 0, deadLetters: 0, atMs: 0 },
	};
}

t.test("an offset within the log goes on, both ends included", async (t) => {
	for (const nextOffset of [10, 15, 20]) {
		t.same(judgeClaim(claimAt(nextOffset), { low: 10, high: 20 }), { kind: "go", verify: false });
	}
	t.same(judgeClaim(claimAt(0), { low: 0, high: 0 }), { kind: "go", verify: false }, "an empty log");
});

t.test("the last record is read back when it is still in the log, the oldest one included", async (t) => {
	const verify = (lastOffset: number) => judgeClaim(claimAt(15, lastOffset), { low: 10, high: 20 });
	t.same(verify(14), { kind: "go", verify: true });
	t.same(verify(10), { kind: "go", verify: true });
	t.same(verify(9), { kind: "go", verify: false }, "retention has removed it");
});

t.test("an offset below the log halts, and says how many offsets are gone", async (t) => {
	const judged = judgeClaim(claimAt(9), { low: 12, high: 20 });
	t.match(judged, { kind: "halt", reason: /up to offset 9, .* starts at 12: 3 offsets were deleted/ });
});

t.test("an offset above the log halts, and says what that means", async (t) => {
	const judged = judgeClaim(claimAt(21, 20), { low: 10, high: 20 });
	t.match(judged, {
		kind: "halt",
		reason: /up to offset 21, .* ends at 20: .*created again.*another cluster/,
	});
});

t.test("a partition without watermarks is not in the topic any more", async (t) => {
	t.match(judgeClaim(claimAt(0), undefined), { kind: "halt", reason: /not in the topic any more/ });
});
