/** Rules between variables: what only makes sense together, and what is allowed but hardly meant. */
import { HEARTBEAT_INTERVAL_MS, SESSION_TIMEOUT_MS_MIN } from "./kafka-variables.ts";
import type { Values, VariableName } from "./variables.ts";

export interface BrokenRelation {
	readonly variable: VariableName;
	readonly rule: string;
}

/** @param values null stands for "not set" and for "already found wrong"; `isWrong` tells which, so that nothing is reported twice */
export function brokenRelations(values: Values, isWrong: (name: VariableName) => boolean): BrokenRelation[] {
	const broken: BrokenRelation[] = [];
	const isMissing = (name: VariableName) => values[name] === null && !isWrong(name);
	const requires = (name: VariableName, needed: VariableName) => {
		if (values[name] === null || !isMissing(needed)) return;
		broken.push({ variable: needed, rule: `must be set when ${name} is set` });
	};
	requires("KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME");
	requires("KAFKA_SASL_MECHANISM", "KAFKA_SASL_PASSWORD");
	if (values.KAFKA_SASL_MECHANISM === null) {
		if (values.KAFKA_SASL_USERNAME !== null) requires("KAFKA_SASL_USERNAME", "KAFKA_SASL_MECHANISM");
		else requires("KAFKA_SASL_PASSWORD", "KAFKA_SASL_MECHANISM");
	}
	requires("KAFKA_SSL_CERT", "KAFKA_SSL_KEY");
	requires("KAFKA_SSL_KEY", "KAFKA_SSL_CERT");
	for (const name of ["KAFKA_SSL_CA", "KAFKA_SSL_CERT"] as const) {
		if (values[name] !== null && values.KAFKA_SSL === false) {
			broken.push({ variable: "KAFKA_SSL", rule: `must be true when ${name} is set` });
			break;
		}
	}
	if (values.SOURCE_FILE !== null && values.LATE_POLICY === "dead-letter") {
		broken.push({
			variable: "LATE_POLICY",
			rule: "must be correct when SOURCE_FILE is set: lines of a file have no record time that they could be late against",
		});
	}
	return broken;
}

/** @param isSet whether somebody has set the variable, as opposed to its default */
export function doubts(values: Values, isSet: (name: VariableName) => boolean): string[] {
	const found: string[] = [];
	if (values.DATABASE_URL === null && values.PGHOST === null) {
		const orphans = (["PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE"] as const).filter(isSet);
		if (orphans.length > 0) {
			found.push(`${orphans.join(", ")} set without PGHOST or DATABASE_URL: the embedded Postgres is used`);
		}
	}
	if (values.DATABASE_URL !== null && isSet("PGHOST")) found.push("DATABASE_URL is used, PGHOST is ignored");
	if (values.KAFKA_SASL_MECHANISM === "plain" && values.KAFKA_SSL === false) {
		found.push("KAFKA_SASL_MECHANISM=plain without KAFKA_SSL=true sends the password in the clear");
	}
	if (values.SOURCE_FILE !== null && isSet("KAFKA_BROKERS")) {
		found.push("SOURCE_FILE is read, KAFKA_BROKERS is ignored");
	}
	if (values.SOURCE_FILE !== null && isSet("FUTURE_SKEW")) {
		found.push("FUTURE_SKEW has no effect with SOURCE_FILE: lines of a file have no record time");
	}
	return found;
}

/** Limits that must fit each other whatever is configured. Throws a `RangeError`: it would be our bug. */
export function assertRelations(): void {
	if (SESSION_TIMEOUT_MS_MIN <= 3 * HEARTBEAT_INTERVAL_MS) {
		throw new RangeError("limits: the shortest session must survive three lost heartbeats");
	}
}
