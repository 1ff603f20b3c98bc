/** Kafka's absence, in words that help. */
import { UnavailableError } from "../errors.ts";

/** kafkajs wraps the reason in layers of "number of retries exceeded"; the innermost says what happened. */
function innermost(error: unknown): Error {
	let found = error instanceof Error ? error : new Error(String(error));
	while (found.cause instanceof Error) found = found.cause;
	return found;
}

/** Makes an `UnavailableError` of what a kafkajs call rejected with; one of ours is passed on as it is. */
export function kafkaUnavailable(brokers: readonly string[], error: unknown): UnavailableError {
	if (error instanceof UnavailableError) return error;
	const { message, name } = innermost(error);
	const where = brokers.join(", ");
	if (name === "KafkaJSSASLAuthenticationError") {
		return new UnavailableError(
			"Kafka",
			`Kafka at ${where} refused the login: ${message}`,
			"check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD",
			{ cause: error },
		);
	}
	return new UnavailableError(
		"Kafka",
		`Kafka at ${where} cannot be used: ${message || name}`,
		"check KAFKA_BROKERS and that the broker runs; `node engine check` tests each step",
		{ cause: error },
	);
}
