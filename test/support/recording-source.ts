/** The pauses and seeks of a consumer, as kafkajs keeps them: a join forgets them all. */
import type { Source } from "../../engine/ports.ts";

export class RecordingSource implements Pick<Source, "pause" | "resume" | "seek"> {
	readonly paused = new Set<number>();
	/** Every call, for example `pause 0,1` or `seek 0 to 5`. */
	readonly calls: string[] = [];

	/** The group has decided anew. */
	forget(): void {
		this.paused.clear();
		this.calls.length = 0;
	}

	pause(partitions: readonly number[]): void {
		this.calls.push(`pause ${partitions}`);
		for (const partition of partitions) this.paused.add(partition);
	}

	resume(partitions: readonly number[]): void {
		this.calls.push(`resume ${partitions}`);
		for (const partition of partitions) this.paused.delete(partition);
	}

	seek(partition: number, offset: number): void {
		this.calls.push(`seek ${partition} to ${offset}`);
	}
}
