/** `node engine schema`: the contract of an event, for those who send them. */
import { eventJsonSchema } from "../../schema/event.ts";
import { EXIT } from "../exit-codes.ts";

export function runSchema(): number {
	process.stdout.write(`${JSON.stringify(eventJsonSchema(), null, 2)}\n`);
	return EXIT.ok;
}
