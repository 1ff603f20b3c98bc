/** Every fault there is, and the choice among them. */
import { ENGINE_FAULTS } from "./engine-faults.ts";
import type { Fault } from "./fault.ts";
import { KAFKA_FAULTS } from "./kafka-faults.ts";
import { MESSAGE_FAULTS } from "./message-faults.ts";
import { NETWORK_FAULTS } from "./network-faults.ts";
import { POSTGRES_FAULTS } from "./postgres-faults.ts";

export const FAULTS: readonly Fault[] = [
	...ENGINE_FAULTS,
	...POSTGRES_FAULTS,
	...KAFKA_FAULTS,
	...NETWORK_FAULTS,
	...MESSAGE_FAULTS,
];

/** By names of faults or of victims; nothing means all. Throws `RangeError` for a name that nobody has. */
export function chooseFaults(names: readonly string[]): readonly Fault[] {
	if (names.length === 0) return FAULTS;
	for (const name of names) {
		if (!FAULTS.some((fault) => fault.name === name || fault.victim === name)) {
			const all = FAULTS.map((fault) => fault.name).join(", ");
			throw new RangeError(`there is no fault "${name}"; there are: ${all}`);
		}
	}
	return FAULTS.filter(({ name, victim }) => names.includes(name) || names.includes(victim));
}
