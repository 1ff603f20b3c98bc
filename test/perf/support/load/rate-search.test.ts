import t from "tap";
import { backlogGrowth, RateSearch, whyItDoesNotHold } from "../../../../perf/support/load/rate-search.ts";

/** The rates that are tried when everything up to `limit` holds. */
function tried(search: RateSearch, limit: number): number[] {
	const rates: number[] = [];
	for (let rate = search.next(); rate !== null; rate = search.next()) {
		rates.push(rate);
		search.judged(rate, rate <= limit);
	}
	return rates;
}

t.test("the rate is raised until one does not hold, then sought between the two", (t) => {
	const search = new RateSearch(50_000, 2, 20);
	const rates = tried(search, 300_000);
	t.strictSame(rates.slice(0, 4), [50_000, 100_000, 200_000, 400_000]);
	t.ok(rates.slice(4).every((rate) => rate > 200_000 && rate < 400_000));
	t.ok(search.best! <= 300_000 && search.best! > 300_000 / 1.06, String(search.best));
	t.end();
});

t.test("a beginning that is too high is halved until one holds", (t) => {
	const search = new RateSearch(80_000, 1.5, 20);
	const rates = tried(search, 15_000);
	t.strictSame(rates.slice(0, 4), [80_000, 40_000, 20_000, 10_000]);
	t.ok(search.best! <= 15_000 && search.best! > 14_000, String(search.best));
	t.end();
});

t.test("no more rates are tried than allowed, and none is the best when none held", (t) => {
	t.equal(tried(new RateSearch(1_000, 2, 3), Number.POSITIVE_INFINITY).length, 3);
	const search = new RateSearch(1_000, 2, 4);
	t.strictSame(tried(search, 0), [1_000, 500, 250, 125]);
	t.equal(search.best, null);
	t.end();
});

t.test("it ends by itself whatever the limit is", (t) => {
	for (let limit = 1; limit < 1e7; limit *= 1.7) {
		const rates = tried(new RateSearch(50_000, 1.4, 1_000), limit);
		if (rates.length > 40) t.fail(`${rates.length} steps for ${limit}`);
		if (new Set(rates).size !== rates.length) t.fail(`a rate was tried twice for ${limit}: ${rates}`);
	}
	t.end();
});

t.test("a backlog that grows is told from one that goes up and down", (t) => {
	const step = { perSecond: 1000, seconds: 10, p99Ms: 50 };
	const growing = Array.from({ length: 100 }, (_, i) => 500 + i * 10);
	t.ok(Math.abs(backlogGrowth({ ...step, backlogs: growing }) - 0.1) < 0.001, "100 of 1,000 a second");
	t.match(whyItDoesNotHold({ ...step, backlogs: growing }, 1000), /grows by 10 %/);
	const teeth = Array.from({ length: 100 }, (_, i) => (i % 10) * 100);
	t.equal(whyItDoesNotHold({ ...step, backlogs: teeth }, 1000), null);
	const slowly = Array.from({ length: 100 }, (_, i) => 500 + i * 4);
	t.match(
		whyItDoesNotHold({ ...step, seconds: 100, backlogs: slowly.map((x) => x * 10) }, 1000),
		/grows by 4 %/,
	);
	t.equal(
		whyItDoesNotHold({ ...step, seconds: 1, backlogs: slowly.map((x) => x / 10) }, 1000),
		null,
		"too short to tell",
	);
	const shrinking = growing.toReversed();
	t.equal(whyItDoesNotHold({ ...step, backlogs: shrinking }, 1000), null);
	t.equal(backlogGrowth({ ...step, backlogs: [7] }), 0, "one look tells nothing");
	t.end();
});

t.test("a p99 above the limit does not hold, at it it does", (t) => {
	const step = { perSecond: 1000, seconds: 10, backlogs: [1, 1, 1, 1] };
	t.equal(whyItDoesNotHold({ ...step, p99Ms: 1000 }, 1000), null);
	t.match(whyItDoesNotHold({ ...step, p99Ms: 1001 }, 1000), /p99 is 1001 ms/);
	t.end();
});
