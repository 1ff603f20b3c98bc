/** Whether this process may draw on its terminal: in the background (`start &`, Ctrl-Z and `bg`) it belongs to the shell. */
import { readFileSync } from "node:fs";

const STAT_FILE = "/proc/self/stat";
/** Fields of proc(5), counted behind the name, which may hold blanks and brackets. */
const PROCESS_GROUP = 2;
const TERMINAL_GROUP = 5;

/** True where it cannot be told. */
export function isForeground(readStat: () => string = () => readFileSync(STAT_FILE, "utf8")): boolean {
	try {
		const stat = readStat();
		const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
		const terminalGroup = Number(fields[TERMINAL_GROUP]);
		// Without a controlling terminal, or with one of another namespace, there is no group: -1 or 0.
		return !(terminalGroup > 0) || Number(fields[PROCESS_GROUP]) === terminalGroup;
	} catch {
		return true;
	}
}
