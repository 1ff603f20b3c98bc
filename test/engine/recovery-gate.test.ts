import t from "tap";
import { RecoveryGate } from "../../engine/recovery-gate.ts";

const LIMITS = { backoffMs: 200, backoffMsMax: 10_000 };

t.test("a new gate is open, and heartbeats mean nothing to it", async (t) => {
	const gate = new RecoveryGate(LIMITS);
	t.ok(gate.open);
	gate.heartbeat();
	t.ok(gate.open);
	gate.close(0, true);
	gate.heartbeat();
	t.notOk(gate.open, "heartbeats before the recovery do not count");
});

t.test("the second heartbeat opens it: the first may have been sent before the recovery", async (t) => {
	const gate = new RecoveryGate(LIMITS);
	gate.close(0, true);
	t.notOk(gate.open);
	gate.heartbeat();
	t.notOk(gate.open);
	gate.heartbeat();
	t.ok(gate.open);
});

t.test("a join opens it at once", async (t) => {
	const gate = new RecoveryGate(LIMITS);
	gate.close(0, true);
	gate.joined();
	t.ok(gate.open);
});

t.test("every recovery asks for two heartbeats of its own", async (t) => {
	const gate = new RecoveryGate(LIMITS);
	gate.close(0, true);
	gate.heartbeat();
	gate.close(0, true);
	gate.heartbeat();
	t.notOk(gate.open);
	gate.heartbeat();
	t.ok(gate.open);
});

t.test("the wait doubles up to its limit, with jitter over the upper half", async (t) => {
	const waits = (random: number): number[] => {
		const gate = new RecoveryGate(LIMITS);
		return Array.from({ length: 8 }, () => gate.close(random, true));
	};
	t.same(waits(0), [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
	t.same(waits(0.5), [150, 300, 600, 1200, 2400, 4800, 7500, 7500]);
});

t.test("the wait stays at its limit, however long the trouble lasts", async (t) => {
	const gate = new RecoveryGate(LIMITS);
	for (let i = 0; i < 5000; i++) gate.close(0, true);
	t.equal(gate.close(0, true), 5000);
	t.equal(gate.tries, 5001);
});

t.test("a commit ends the trouble: the next wait is short again; an open gate alone does not", async (t) => {
	const gate = new RecoveryGate(LIMITS);
	gate.close(0, true);
	gate.close(0, true);
	gate.joined();
	t.equal(gate.tries, 2);
	t.equal(gate.close(0, true), 400);
	gate.healed();
	t.equal(gate.tries, 0);
	t.equal(gate.close(0, true), 100);
});

t.test("a cause of our own asks for no heartbeat, and does not make up for those still due", async (t) => {
	const gate = new RecoveryGate(LIMITS);
	gate.close(0, false);
	t.ok(gate.open, "a lost actor says nothing about the group");
	gate.close(0, true);
	gate.heartbeat();
	gate.close(0, false);
	t.notOk(gate.open, "the doubt of before is still there");
	gate.heartbeat();
	t.ok(gate.open);
});
