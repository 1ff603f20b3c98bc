import type { Admin } from "kafkajs";
import t from "tap";
import { WatermarkReader } from "../../../engine/kafka/watermark-reader.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Clients that answer as they are told, numbered as they were made. */
function world() {
	const clock = new ManualClock();
	const said: string[] = [];
	const state = { answer: "fine" as "fine" | "fails" | "hangs", made: 0 };
	const create = (): Admin => {
		const number = ++state.made;
		return {
			connect: async () => void said.push(`connect ${number}`),
			disconnect: async () => void said.push(`disconnect ${number}`),
			fetchTopicOffsets: async () => {
				if (state.answer === "hangs") return await new Promise<never>(() => {});
				if (state.answer === "fails") throw new Error(`failure of ${number}`);
				return [{ partition: 2, offset: "9", low: "4", high: "9" }];
			},
		} as unknown as Admin;
	};
	return { clock, said, state, reader: new WatermarkReader("t", create, clock) };
}

t.test("it reads where the log of every partition begins and ends", async (t) => {
	const { reader } = world();
	await t.rejects(reader.read(), /not connected/);
	await reader.connect();
	t.same([...(await reader.read())], [[2, { low: 4, high: 9 }]]);
	await reader.close();
	await t.rejects(reader.read(), /not connected/);
	await reader.close();
});

t.test(
	"a client that fails three times in a row is replaced, one that answers in between is not",
	async (t) => {
		const { reader, state, said } = world();
		await reader.connect();
		for (const answer of ["fails", "fails", "fine", "fails", "fails"] as const) {
			state.answer = answer;
			await reader.read().catch(() => {});
		}
		t.equal(state.made, 1);
		await t.rejects(reader.read(), /failure of 1/);
		t.same(said, ["connect 1", "disconnect 1"]);
		state.answer = "fine";
		await reader.read();
		t.equal(state.made, 2);
	},
);

t.test("a reading that never comes rejects, and counts as a failure", async (t) => {
	const { reader, state, clock } = world();
	await reader.connect();
	state.answer = "hangs";
	for (const number of [1, 2, 3]) {
		const reading = t.rejects(
			reader.read(),
			/no answer to "read the watermarks" within 15000 ms/,
			`${number}`,
		);
		await settled();
		clock.advance(15_000);
		await reading;
	}
	t.equal(state.made, 2);
});

t.test("a failure of a client that is closed by now replaces nothing", async (t) => {
	const { reader, state } = world();
	await reader.connect();
	state.answer = "fails";
	await reader.read().catch(() => {});
	await reader.read().catch(() => {});
	const last = reader.read();
	await reader.close();
	await t.rejects(last);
	t.equal(state.made, 1);
});
