/**
 * Every kind of fault, and how often 1,000 seeds meet it at the least: about a third of what was seen, and less of the
 * rare ones, lest chance alone fails a run. A fault that never strikes shows nothing, so a run with fewer is a failure of
 * the simulation.
 */
export const FAULT_KINDS: Readonly<Record<string, number>> = {
	// Postgres, at any statement and around COMMIT
	"COMMIT lost before it came": 90,
	"answer to COMMIT lost": 120,
	"answer to COMMIT late": 25,
	"COMMIT answered by ROLLBACK": 100,
	"statement lost before it came": 90,
	"answer to statement lost": 90,
	"statement refused": 150,
	"backend terminated": 110,
	"backend killed": 120,
	"connection fell silent": 40,
	"slow statement": 140,
	"too many connections": 80,
	"day attached in mid-COPY": 25,
	"row refused once": 25,
	"Postgres restarted": 90,
	"Postgres went back": 40,
	"user erased": 90,
	"waited for a lock": 60,
	"blocker terminated": 20,
	"froze in mid-transaction": 60,
	"restored at rest": 100,
	"hour found by its place": 20_000,
	// Kafka and its group
	rebalance: 600,
	"thrown out of the group": 220,
	"session ended": 220,
	"consumer crashed": 100,
	"heartbeat failed": 300,
	"no watermarks": 200,
	"publish failed": 150,
	"position jumped": 300,
	"position out of range": 2,
	"stale batch": 800,
	"duplicate batch": 300,
	"fetch without a record": 4_000,
	"log trimmed": 170,
	"log trimmed too far": 6,
	"topic recreated": 10,
	"partition added": 60,
	// engines and their actors
	"engine crashed": 150,
	"engine stopped": 140,
	"process froze": 250,
	"zombie recovered": 20,
	"actor died": 120,
	"actor hung": 100,
	"actor died folding": 15,
	"slow answer": 200,
	"record killed its actor": 300,
	"record hung its actor": 120,
	"stopped by bad input": 20,
	"recovery: poison": 80,
	"recovery: suspect": 70,
	"recovery: fenced": 70,
	"recovery: connection_lost": 50,
	"paused for actors": 2_000,
	"paused for sets": 900,
};

/** As many as each half of a normal run. */
const LONG_RUN_SEEDS = 500;

/** Kinds that `seeds` seeds met too seldom, each as a sentence. */
export function tooSeldom(met: ReadonlyMap<string, number>, seeds: number): string[] {
	return Object.entries(FAULT_KINDS).flatMap(([kind, perThousand]) => {
		// The rare ones scatter: below three nothing is asked of a short run, where chance alone may bring none.
		const least = Math.floor((perThousand * seeds) / 1_000);
		const times = met.get(kind) ?? 0;
		return (least >= 3 || (least >= 1 && seeds >= LONG_RUN_SEEDS)) && times < least
			? [`"${kind}" was met ${times} times in ${seeds} seeds, not ${least}`]
			: [];
	});
}
