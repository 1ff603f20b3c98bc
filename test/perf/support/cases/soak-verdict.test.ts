import t from "tap";
import { soakVerdict } from "../../../../perf/support/cases/soak-verdict.ts";
import { sampleAt } from "../../report/sample-result.ts";

const MEBIBYTE = 2 ** 20;
const RATE = 5000;

/** Ten minutes, a sample a second, of an engine at rest that collects its garbage every half minute. */
const soak = (change: (minute: number) => { memory?: number; handles?: number; lag?: number } = () => ({})) =>
	Array.from({ length: 600 }, (_, at) => {
		const { memory = 0, handles = 0, lag = 0 } = change(at / 60);
		return sampleAt(at, {
			memoryBytes: (200 + (at % 30) * 2 + memory) * MEBIBYTE,
			handles: 40 + (at % 7 === 0 ? 2 : 0) + handles,
			sent: at * RATE,
			committed: at * RATE - (at % 4) * 400 - lag,
			engineLag: 0,
		});
	});

t.test("what only swings is flat", async (t) => {
	const { growing, figures } = soakVerdict(soak(), RATE);
	t.strictSame(growing, []);
	t.match(figures.find(({ name }) => name === "memory-growth")!.about, /: flat/);
	t.equal(figures.find(({ name }) => name === "memory-mean")!.unit, "bytes");
});

t.test("each leak is found by its name", async (t) => {
	t.match(
		soakVerdict(
			soak((minute) => ({ memory: 6 * minute })),
			RATE,
		).growing,
		[/^memory grows: by (5\d|60) MiB in 599 s, allowed are 2\d MiB$/],
	);
	t.match(
		soakVerdict(
			soak((minute) => ({ handles: Math.floor(minute) })),
			RATE,
		).growing,
		[/^handles grows/],
	);
	t.match(
		soakVerdict(
			soak((minute) => ({ lag: 1000 * minute })),
			RATE,
		).growing,
		[/^lag grows/],
	);
	t.equal(
		soakVerdict(
			soak((minute) => ({ memory: 9 * minute, lag: 2000 * minute })),
			RATE,
		).growing.length,
		2,
	);
});

t.test("where nobody asks Postgres, the engine's own lag counts", async (t) => {
	const unasked = soak().map((sample) => ({
		...sample,
		committed: null,
		engineLag: sample.atSeconds * 100,
	}));
	t.match(soakVerdict(unasked, RATE).growing, [/^lag grows/]);
});

t.test("what shrinks does not grow", async (t) => {
	t.strictSame(
		soakVerdict(
			soak((minute) => ({ memory: -5 * minute, handles: -minute })),
			RATE,
		).growing,
		[],
	);
});

t.test("a slope is told per hour", async (t) => {
	const { figures } = soakVerdict(
		soak((minute) => ({ handles: minute })),
		RATE,
	);
	const slope = figures.find(({ name }) => name === "handles-slope")!;
	t.ok(Math.abs(slope.value - 60) < 2, `${slope.value}`);
	t.equal(slope.unit, "count/h");
});

t.test("too few samples are no verdict", async (t) => {
	t.throws(() => soakVerdict(soak().slice(0, 1), RATE), /too few samples of memory/);
	t.throws(() => soakVerdict([], RATE), RangeError);
});
