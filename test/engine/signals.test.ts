import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import t from "tap";

const MODULE = new URL("../../engine/signals.js", import.meta.url).href;

/** Says what it got; the second signal ends it with code 7. */
const PROGRAM = `
	import { nextSignal } from ${JSON.stringify(MODULE)};
	setInterval(() => {}, 60_000);
	const signal = nextSignal((second) => { console.log("second " + second); process.exit(7); });
	console.log("listening");
	console.log("first " + (await signal));
`;

function start(t: Tap): { child: ChildProcess; next: () => Promise<string> } {
	const child = spawn(process.execPath, ["--input-type=module", "--eval", PROGRAM], {
		stdio: ["ignore", "pipe", "inherit"],
		env: { PATH: process.env["PATH"] },
	});
	t.teardown(() => child.kill("SIGKILL"));
	const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
	return { child, next: async () => String((await lines.next()).value) };
}

type Tap = typeof t;

for (const [first, second] of [
	["SIGINT", "SIGINT"],
	["SIGTERM", "SIGINT"],
	["SIGINT", "SIGTERM"],
] as const) {
	t.test(`${first} asks it to stop, and ${second} behind it ends it at once`, async (t) => {
		const { child, next } = start(t as Tap);
		t.equal(await next(), "listening");
		child.kill(first);
		t.equal(await next(), `first ${first}`, "the process lives on, to stop in order");
		const exit = once(child, "exit");
		child.kill(second);
		t.equal(await next(), `second ${second}`);
		t.same(await exit, [7, null]);
	});
}
