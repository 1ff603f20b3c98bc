/** containers/reporter-login.sql, the step of docker-compose.yml after which Grafana can log in, by psql as there. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import pg from "pg";
import t from "tap";
import { migrate } from "../../engine/sink/migrate.ts";
import { packageRoot } from "../../schema/package-root.ts";
import { ownPostgres } from "../support/own-parts.ts";

const script = join(packageRoot(), "containers/reporter-login.sql");

const WRONG_PASSWORD = { code: "28P01" };
const MAY_NOT = { code: "42501" };

// A server of its own: roles belong to the whole server, and other tests make and drop this one.
t.test("the reporter logs in with the password of the environment, and only with that", async (t) => {
	const { at } = await ownPostgres(t);
	const { host, port, user, password, database } = at;
	const run = (reporterPassword?: string) =>
		spawnSync("psql", ["--no-psqlrc", `--file=${script}`], {
			encoding: "utf8",
			env: {
				PATH: process.env["PATH"],
				PGHOST: host,
				PGPORT: String(port),
				PGUSER: user,
				PGPASSWORD: password,
				PGDATABASE: database,
				...(reporterPassword === undefined ? {} : { REPORTER_PASSWORD: reporterPassword }),
			},
		});
	const logIn = async (as: string): Promise<pg.Client> => {
		const client = new pg.Client({ host, port, user: "reporter", password: as, database });
		await client.connect();
		t.teardown(() => client.end());
		return client;
	};

	await t.test("before the migration there is nobody to let in", async (t) => {
		const { status, stderr } = run("secret");
		t.equal(status, 3);
		t.match(stderr, 'role "reporter" does not exist');
	});

	await migrate({ host, port, user, password, database, ssl: false });

	await t.test("a password that is missing or empty is refused", async (t) => {
		for (const { status, stderr } of [run(), run("")]) {
			t.equal(status, 3);
			t.match(stderr, "REPORTER_PASSWORD is empty");
			t.match(stderr, "set it to the password that Grafana logs in with");
		}
		await t.rejects(logIn(""));
	});

	await t.test("a password is set, whatever is in it, and set again", async (t) => {
		const odd = `it's "odd" \\ :'x' $HOME`;
		t.match(run(odd), { status: 0, stderr: "" });
		const client = await logIn(odd);
		t.same((await client.query("SELECT count(*) FROM hourly_business_metrics")).rows, [{ count: "0" }]);
		await t.rejects(client.query("SELECT * FROM schema_migrations"), MAY_NOT);
		await t.rejects(client.query("DELETE FROM dead_letters"), MAY_NOT);

		t.match(run("another"), { status: 0, stderr: "" });
		await t.rejects(logIn(odd), WRONG_PASSWORD);
		await logIn("another");
	});
});
