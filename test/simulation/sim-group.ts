/** A consumer group: who is a member, and which partitions each was told to own. */
import type { SimSource } from "./sim-kafka.ts";
import { PARTITIONS } from "./sim-topic.ts";
import type { World } from "./world.ts";

export class SimGroup {
	readonly #world: World;
	readonly #members = new Map<SimSource, { joinedIn: number }>();
	#generation = 0;

	constructor(world: World) {
		this.#world = world;
	}

	join(member: SimSource): void {
		this.#members.set(member, { joinedIn: -1 });
		this.rebalance();
	}

	/** The member's session ends, or it leaves. It learns of it at its next heartbeat, and fetches on until then. */
	leave(member: SimSource): void {
		if (this.#members.delete(member)) this.rebalance();
	}

	/** Every member is told in its own time: until then the old owner of a partition goes on, beside the new one. */
	rebalance(): void {
		const { random } = this.#world;
		const generation = ++this.#generation;
		const members = [...this.#members.keys()];
		if (members.length === 0) return;
		const owners = Array.from({ length: PARTITIONS }, () => random.pick(members));
		for (const member of members) {
			member.host.after(random.float() * (this.#world.faults ? 3_000 : 100), () => {
				const known = this.#members.get(member);
				if (generation !== this.#generation || known === undefined) return;
				known.joinedIn = generation;
				member.assign([...owners.keys()].filter((partition) => owners[partition] === member));
			});
		}
	}

	/** True when the group still counts the member in. One that was thrown out joins again. */
	heartbeat(member: SimSource): boolean {
		const known = this.#members.get(member);
		if (known === undefined) this.join(member);
		return known?.joinedIn === this.#generation;
	}
}
