import t from "tap";
import { createLog, type LogSettings } from "../../engine/log.ts";

function logged(settings: Partial<LogSettings>, use: (log: ReturnType<typeof createLog>) => void): string {
	let text = "";
	const stream = {
		write: (line: string) => {
			text += line;
		},
	};
	use(createLog({ level: "info", format: "json", ...settings }, stream));
	return text;
}

t.test("a line is JSON with its level as a word and an ISO time", async (t) => {
	const line = JSON.parse(logged({}, (log) => log.warn({ component: "source", offset: 7 }, "late"))) as {
		time: string;
	};
	t.match(line, { level: "warn", component: "source", offset: 7, msg: "late", pid: process.pid });
	t.match(line.time, /^\d{4}-\d{2}-\d{2}T.*Z$/);
});

t.test("what is below the level is not written", async (t) => {
	const text = logged({ level: "warn" }, (log) => {
		log.info("quiet");
		log.error("loud");
	});
	t.match(text, /loud/);
	t.notMatch(text, /quiet/);
	t.equal(
		logged({ level: "silent" }, (log) => log.fatal("nothing")),
		"",
	);
});

t.test("secrets and users are hidden at every depth that is logged", async (t) => {
	const secret = { password: "hunter2", connectionString: "postgres://u:hunter2@h/d", user_id: "hunter2" };
	const text = logged({}, (log) =>
		log.info({ ...secret, sasl: secret, kafka: { sasl: secret } }, "settings"),
	);
	t.notMatch(text, /hunter2/);
	t.match(text, /\[hidden\]/);
});
