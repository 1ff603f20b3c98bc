import { PassThrough } from "node:stream";
import t from "tap";
import { openTerminal } from "../../../perf/support/terminal.ts";

function lines() {
	const stream = new PassThrough() as PassThrough & NodeJS.WriteStream;
	let nowMs = 0;
	const terminal = openTerminal(stream, () => nowMs);
	return {
		terminal,
		pass: (ms: number) => {
			nowMs += ms;
		},
		said: () => ((stream.read() as Buffer | null)?.toString() ?? "").trimEnd(),
	};
}

t.test("without a terminal a long step is told now and then, and a note at once", async (t) => {
	const { terminal, pass, said } = lines();
	terminal.progress("sending", 0, 1000);
	pass(4_999);
	terminal.progress("sending", 400, 1000);
	terminal.note("half way");
	pass(1);
	terminal.progress("sending", 500, 1000);
	t.equal(said(), "sending: 0 % (0 of 1,000)\nhalf way\nsending: 50 % (500 of 1,000)");
});

t.test("nothing new is not told again, and a step that was over at once not at all", async (t) => {
	const { terminal, pass, said } = lines();
	terminal.progress("drain", 0, 1000);
	said();
	pass(60_000);
	terminal.progress("drain", 0, 1000);
	terminal.progress("quick", 10, 10);
	t.equal(said(), "");
	terminal.progress("next", 1, 10);
	t.equal(said(), "next: 10 % (1 of 10)", "another step begins with a line");
});
