import t from "tap";
import { missingIn } from "./traffic.ts";

const message = (value: string, key = "user") => ({ key: Buffer.from(key), value: Buffer.from(value) });

t.test("a topic that holds each acknowledged message once, and some of the doubtful, is right", async (t) => {
	const account = {
		acknowledged: [message("a"), message("b"), message("b")],
		doubtful: [message("c"), message("d")],
	};
	t.same(missingIn([message("b"), message("a"), message("b"), message("d")], account), []);
});

t.test("what was acknowledged and is not there, or more often, or never sent, is told", async (t) => {
	const account = { acknowledged: [message("a"), message("b")], doubtful: [message("c")] };
	t.match(missingIn([message("a")], account), [/acknowledged 1 times, in the topic 0 times: user b/]);
	t.match(missingIn([message("a"), message("b"), message("b")], account), [/in the topic 2 times: user b/]);
	t.match(missingIn([message("a"), message("b"), message("x")], account), [
		/1 times, but never sent so often: user x/,
	]);
	t.match(missingIn([message("a"), message("b"), message("c"), message("c")], account), [
		/2 times, but never/,
	]);
	t.match(missingIn([message("a", "other"), message("b")], account), [/user a/, /other a/], "keys count too");
});
