import { setFlagsFromString } from "node:v8";

/**
 * Keeps the young generation of every thread at its first size, 1 MiB. The engine makes few objects and many buffers;
 * buffers are freed by scavenges, which come when the young space is full of objects. With the default of 16 MiB they come
 * so seldom that V8 counts 64 MB of buffers first, and runs a full mark-compact on four threads: half a microsecond an event.
 * For the whole process, and before actors start. V8 reads this flag at every growth, unlike `--max-semi-space-size`.
 */
export function keepYoungSpaceSmall(): void {
	setFlagsFromString("--semi-space-growth-factor=1");
}
