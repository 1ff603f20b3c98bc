/** A database of its own for one test file, on the server that the usual `PG*` variables name. */
import { randomBytes } from "node:crypto";
import pg from "pg";
import type { PostgresSettings } from "../../engine/sink/settings.ts";

/** The part of a tap test that is needed here. */
interface TestWithTeardown {
	teardown(handler: () => Promise<void>): void;
}

export interface TestDatabase {
	readonly settings: Extract<PostgresSettings, { readonly host: string }>;
	readonly client: pg.Client;
}

/**
 * Creates an empty database with a random name and a client on it; both are gone after the test. Throws when `PGHOST` is
 * not set: a test that quietly did nothing would be green for ever.
 */
export async function createDatabase(t: TestWithTeardown): Promise<TestDatabase> {
	if (!process.env["PGHOST"]) {
		throw new Error(
			"PGHOST is not set: run this through `npm test`, or set PGHOST, PGPORT, PGUSER and PGPASSWORD",
		);
	}
	const name = `test_${randomBytes(6).toString("hex")}`;
	const admin = new pg.Client({ database: process.env["PGDATABASE"] || "postgres" });
	await admin.connect();
	// template0: an encoding of our choice, whatever the machine's locale is.
	await admin.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);

	const settings = {
		host: process.env["PGHOST"],
		port: Number(process.env["PGPORT"] || 5432),
		user: process.env["PGUSER"] || "postgres",
		password: process.env["PGPASSWORD"],
		database: name,
		ssl: false as const,
	};
	const client = new pg.Client({ ...settings, application_name: "test" });
	client.on("error", () => {});
	await client.connect();
	await client.query("SET TimeZone = 'UTC'");
	t.teardown(async () => {
		await client.end();
		await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
		await admin.end();
	});
	return { settings, client };
}
