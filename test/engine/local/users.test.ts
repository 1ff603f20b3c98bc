import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { identify } from "../../../engine/local/process-identity.ts";
import { endUse, otherUsers, registerUse } from "../../../engine/local/users.ts";

t.test("a living process that registered counts for its part, and for no other", async (t) => {
	const home = t.testdir({ users: {} });
	t.same(otherUsers(home, "kafka"), []);
	registerUse(home, "kafka");
	t.same(otherUsers(home, "kafka"), [], "we are not another one");
	writeFileSync(join(home, "users", `kafka-${process.ppid}`), identify(process.ppid)?.startedAt ?? "");
	t.same(otherUsers(home, "kafka"), [process.ppid]);
	t.same(otherUsers(home, "postgres"), []);
	endUse(home, "kafka");
	endUse(home, "kafka");
	t.same(readdirSync(join(home, "users")), [`kafka-${process.ppid}`]);
});

t.test("a killed process, and one that only has its id, do not count and are forgotten", async (t) => {
	const home = t.testdir({
		users: {
			"postgres-999999999": "1",
			[`postgres-${process.ppid}`]: "1",
			"postgres-x": "",
			"kafka-1.tmp": "",
		},
	});
	t.same(otherUsers(home, "postgres"), []);
	t.same(
		readdirSync(join(home, "users")).filter((name) => /^postgres-\d/.test(name)),
		[],
	);
});
