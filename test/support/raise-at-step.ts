/**
 * Errors of Postgres at one step of the engines' transactions, raised by a trigger in the test's own database: a full
 * disk, a serialization failure, whatever a server may say there. The engine knows nothing of it.
 */
import type pg from "pg";
import { STEP_TRIGGERS, type Step } from "./hold-step.ts";

/** Puts the triggers into a migrated database, before the engines start. */
export async function prepareRaises(client: pg.Client): Promise<void> {
	// A sequence keeps what a rolled back transaction has counted.
	await client.query(`
		CREATE TABLE raises (step text PRIMARY KEY, code text, times int);
		CREATE SEQUENCE raised;
		CREATE FUNCTION raise_here() RETURNS trigger LANGUAGE plpgsql AS $$
		DECLARE
			fault raises;
		BEGIN
			SELECT * INTO fault FROM raises WHERE step = TG_ARGV[0];
			IF FOUND AND nextval('raised') <= fault.times THEN
				RAISE EXCEPTION 'a fault of the test at %', fault.step USING ERRCODE = fault.code;
			END IF;
			RETURN NEW;
		END $$`);
	for (const [index, [step, when]] of Object.entries(STEP_TRIGGERS).entries()) {
		const kind = step === "COMMIT" ? "CONSTRAINT TRIGGER" : "TRIGGER";
		await client.query(`CREATE ${kind} raise_${index} ${when} EXECUTE FUNCTION raise_here('${step}')`);
	}
}

/**
 * From now on the next `times` transactions that come to `step` fail there with this SQLSTATE; then they go through. One
 * fault at a time: an earlier one is over.
 */
export async function raiseAtStep(client: pg.Client, step: Step, code: string, times = 1): Promise<void> {
	await client.query("TRUNCATE raises; ALTER SEQUENCE raised RESTART");
	await client.query("INSERT INTO raises VALUES ($1, $2, $3)", [step, code, times]);
}
