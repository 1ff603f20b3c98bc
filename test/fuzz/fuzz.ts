/**
 * `npm run fuzz -- --events 10000000 --seed N`: the scanner against JSON.parse and the schema, over mutated events.
 *
 * Prints a failing value as hex, with its neighbours, and ends with 1; the seed repeats the run.
 */
import { parseArgs } from "node:util";
import { createRandom } from "../../producer/random.ts";
import { Campaign } from "./campaign.ts";

const PROGRESS_EVERY = 1_000_000;

const { values } = parseArgs({ options: { events: { type: "string" }, seed: { type: "string" } } });
const events = Number(values.events ?? 1_000_000);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!Number.isSafeInteger(events) || events < 1 || !Number.isSafeInteger(seed)) {
	console.error("--events takes a whole number from 1, --seed a whole number");
	process.exit(2);
}

const campaign = new Campaign(createRandom(seed));
console.log(`fuzz: ${events} events, seed ${seed}`);
for (let done = 1; done <= events; done++) {
	const failure = campaign.next();
	if (failure !== null) {
		console.log(`event ${done}: ${failure}`);
		process.exit(1);
	}
	if (done % PROGRESS_EVERY === 0 && done < events) console.log(`${done}: ${campaign.summary()}`);
}
console.log(`no difference in ${events} events: ${campaign.summary()}`);
