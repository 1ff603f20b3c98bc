/**
 * The process that sends: of its own, so that neither the scenario's looks at the engine nor its garbage delay a batch,
 * and its CPU time is known apart. Ends with the process that started it.
 */
import type { FromSender, LoadCommand, LoadReport, ToSender } from "./load-messages.ts";
import { PacedSender } from "./paced-sender.ts";

const PROGRESS_INTERVAL_MS = 100;

let sender: PacedSender | null = null;

function tell(message: FromSender): void {
	if (process.connected) process.send?.(message);
}

async function obey(command: LoadCommand): Promise<LoadReport | null> {
	if (command.kind === "open") {
		sender = await PacedSender.open(command.setting, ({ message }) =>
			tell({ kind: "failed", id: null, message }),
		);
		setInterval(() => tell({ kind: "progress", progress: sender!.progress() }), PROGRESS_INTERVAL_MS);
		return null;
	}
	if (sender === null) throw new Error("the sender is not open");
	if (command.kind === "rate") sender.setRate(command.perSecond);
	if (command.kind === "window") sender.openWindow(command.name);
	if (command.kind === "settle") await sender.settled();
	return sender.report();
}

process.on("message", ({ id, command }: ToSender) => {
	obey(command).then(
		(report) => tell({ kind: "done", id, report }),
		(error: Error) => tell({ kind: "failed", id, message: error.message }),
	);
});
// Ctrl-C is the scenario's to handle, which then lets go of this process.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit());
