import t from "tap";
import { totalLag, worstLagSeconds } from "../../monitoring/lag-totals.ts";
import { partitionStatus } from "../support/engine-status.ts";

const lags = (...pairs: readonly (readonly [number | null, number | null])[]) => ({
	partitions: pairs.map(([lag, lagSeconds], partition) => partitionStatus(partition, { lag, lagSeconds })),
});

t.test("lag adds up over partitions, and its age is that of the worst one", async (t) => {
	const status = lags([3, 0.5], [0, 0], [40, 9]);
	t.equal(totalLag(status), 43);
	t.equal(worstLagSeconds(status), 9);
});

t.test(
	"partitions of unknown lag count for nothing, and without any that is known there is no answer",
	async (t) => {
		t.equal(totalLag(lags([null, null], [7, 2])), 7);
		t.equal(worstLagSeconds(lags([null, null], [7, 2])), 2);
		t.equal(totalLag(lags([null, null])), null);
		t.equal(worstLagSeconds(lags()), null);
	},
);
