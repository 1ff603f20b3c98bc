import { WrongLedgerError } from "../core-errors.ts";
import { connect, destroy } from "./connect.ts";
import type { PostgresSettings } from "./settings.ts";

export interface LedgerOwner {
	readonly clusterId: string;
	readonly topic: string;
}

/** One database holds one topic of one cluster: throws `WrongLedgerError` when `held` is somebody else's. */
export function assertLedger(held: LedgerOwner | undefined, wanted: LedgerOwner): void {
	if (held?.clusterId === wanted.clusterId && held.topic === wanted.topic) return;
	throw new WrongLedgerError(
		`this database holds topic "${held?.topic}" of Kafka cluster "${held?.clusterId}", but the engine reads topic ` +
			`"${wanted.topic}" of cluster "${wanted.clusterId}"`,
	);
}

/** Asked before the group is joined: a member with a wrong topic would disturb the others. A new database is anybody's. */
export async function requireLedger(settings: PostgresSettings, wanted: LedgerOwner): Promise<void> {
	const client = await connect(settings, { applicationName: "lottery-engine check" });
	try {
		const { rows } = await client.query<LedgerOwner>('SELECT cluster_id AS "clusterId", topic FROM ledger');
		if (rows[0] !== undefined) assertLedger(rows[0], wanted);
	} finally {
		await client.end().catch(() => destroy(client));
	}
}
