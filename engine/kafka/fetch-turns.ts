/**
 * Which partitions a fetch names first. A broker fills an answer in the order of the request, until it holds as much as was
 * asked for (KIP-74), so few partitions bring much each, however many have something. Who was served goes behind all
 * others, as in Kafka's own consumer: everybody gets as much in the long run.
 */
export class FetchTurns {
	/** The first ones were served longest ago. */
	readonly #order = new Set<number>();

	/** Those that are asked for, the next first. */
	inOrder<Asked extends { readonly partition: number }>(asked: readonly Asked[]): Asked[] {
		const byPartition = new Map(asked.map((one) => [one.partition, one]));
		for (const partition of byPartition.keys()) this.#order.add(partition);
		return [...this.#order].flatMap((partition) => byPartition.get(partition) ?? []);
	}

	/** It brought something. */
	served(partition: number): void {
		this.#order.delete(partition);
		this.#order.add(partition);
	}
}
