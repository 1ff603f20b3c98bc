import { appendStandIn } from "./batch-scanner.ts";
import { appendMessages } from "./kafkajs-decoder.ts";
import type { BatchDecoder } from "./record-batches.ts";

/** Who reads record batches: our scanner, or kafkajs's own decoder (`KAFKA_DECODER`). */
export type KafkaDecoder = "scanner" | "kafkajs";

export function decoderOf(name: KafkaDecoder): BatchDecoder {
	return name === "kafkajs" ? appendMessages : appendStandIn;
}
