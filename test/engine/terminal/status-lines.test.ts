import t from "tap";
import { LINE_MS, QUIET_LINE_MS, StatusLines } from "../../../engine/terminal/status-lines.ts";
import { canDraw } from "../../../engine/terminal/terminal.ts";
import type { EngineStatus } from "../../../monitoring/status.ts";
import { engineStatus } from "../../support/engine-status.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function started() {
	const clock = new ManualClock();
	const said: { fields: Record<string, unknown>; text: string }[] = [];
	const log = { info: (fields: Record<string, unknown>, text: string) => said.push({ fields, text }) };
	const engine = { status: engineStatus() };
	const lines = new StatusLines(log as never, clock);
	lines.start({ url: "", status: () => engine.status });
	const add = (stored: number, change: Partial<EngineStatus> = {}) => {
		const { totals } = engine.status;
		engine.status = {
			...engine.status,
			...change,
			totals: { ...totals, stored: totals.stored + stored, consumed: totals.consumed + stored },
		};
	};
	return { clock, said, add, lines };
}

t.test("while events come there is a line every ten seconds", async (t) => {
	const { clock, said, add } = started();
	for (let line = 0; line < 6; line++) {
		add(50_000);
		clock.advance(LINE_MS);
	}
	t.equal(said.length, 6);
	t.same(said[0], {
		text: "running; 5,000/s stored; lag 100, oldest 2.5 s; 50,100 stored and 2 dead letters since the start",
		fields: {
			component: "status",
			state: "running",
			consumedPerSecond: 5_000,
			storedPerSecond: 5_000,
			lag: 100,
			lagSeconds: 2.5,
			stored: 50_100,
			deadLetters: 2,
			partitions: 2,
		},
	});
});

t.test("while nothing happens there is a sign of life a minute", async (t) => {
	const { clock, said } = started();
	clock.advance(10 * QUIET_LINE_MS);
	t.equal(said.length, 10);
});

t.test("what is wrong is told at once, and how long it has been wrong is no news", async (t) => {
	const { clock, said, add } = started();
	clock.advance(LINE_MS);
	const trouble = (seconds: number) => ({ notReady: [`a flush has not ended for ${seconds} s\u001b[2J`] });
	add(0, trouble(12));
	clock.advance(LINE_MS);
	add(0, trouble(22));
	clock.advance(LINE_MS);
	t.match(
		said.map(({ text }) => text.split(";")[0]),
		["running", "not ready: a flush has not ended for 12 s\\u{1b}[2J"],
	);
	t.match(said[1]?.fields, { notReady: [/12 s/] });
	add(0, { notReady: [] });
	clock.advance(LINE_MS);
	t.match(said[2]?.text, /^running/);
});

t.test("an engine that has failed has said why, and has the last word", async (t) => {
	const { clock, said, add } = started();
	for (const state of ["failed", "stopped"] as const) {
		add(1, { state, notReady: [state] });
		clock.advance(LINE_MS);
	}
	t.same(said, []);
});

t.test("after the end there are no lines", async (t) => {
	const { clock, said, add, lines } = started();
	add(1);
	lines.stop();
	clock.advance(LINE_MS);
	t.same(said, []);
	t.same(clock.timers, []);
});

t.test("a view is drawn for a person at a terminal that can show it", async (t) => {
	const asked = {
		isTerminal: true,
		settings: { level: "info", format: "auto" },
		env: { TERM: "xterm-256color" } as Record<string, string>,
	} as const;
	t.equal(canDraw(asked), true);
	t.equal(canDraw({ ...asked, settings: { level: "warn", format: "pretty" } }), true);
	t.equal(canDraw({ ...asked, env: { CI: "" } }), true);
	t.equal(canDraw({ ...asked, env: { CI: "false" } }), true);
	t.equal(canDraw({ ...asked, isTerminal: false }), false);
	t.equal(canDraw({ ...asked, env: { TERM: "dumb" } }), false);
	t.equal(canDraw({ ...asked, env: { CI: "true" } }), false);
	t.equal(canDraw({ ...asked, settings: { level: "info", format: "json" } }), false);
	t.equal(canDraw({ ...asked, settings: { level: "silent", format: "auto" } }), false);
});
