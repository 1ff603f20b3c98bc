import t from "tap";
import { REASONS, type Reason, stageOf } from "../../schema/reasons.ts";

t.test("the codes and their stages are kept: dashboards and replay commands name them", async (t) => {
	const stages = Object.fromEntries(
		Object.keys(REASONS).map((reason) => [reason, stageOf(reason as Reason)]),
	);
	t.strictSame(stages, {
		null_value: "decode",
		empty_value: "decode",
		utf8: "decode",
		json: "decode",
		schema: "validate",
		event_time: "validate",
		amount: "validate",
		future_event: "time",
		late_event: "time",
		pg_value: "store",
		actor_crash: "actor",
	});
});

t.test("every reason is described in one sentence", async (t) => {
	for (const [reason, { description }] of Object.entries(REASONS)) {
		t.match(description, /^[A-Z][^.]+\.$/, reason);
	}
});
