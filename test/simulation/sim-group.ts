/** A consumer group: who is a member, since when nothing was heard of it, and which partitions each was told to own. */
import type { Host } from "./host.ts";
import type { SimTopic } from "./sim-topic.ts";
import type { World } from "./world.ts";

/** A member that says nothing for so long is thrown out of the group. */
export const SESSION_MS = 3_000;
const LOOK_MS = 500;
/** A claim begun so soon after a recovery was on its way before. */
const UNDER_WAY_MS = 10;

/** What the group knows of a consumer. */
export interface GroupMember {
	readonly host: Host;
	/** GROUP_JOIN: these are all its partitions. */
	assign(partitions: readonly number[]): void;
}

interface Member {
	joinedIn: number;
	seenMs: number;
}

export class SimGroup {
	readonly #world: World;
	readonly #topic: SimTopic;
	readonly #members = new Map<GroupMember, Member>();
	/** Those that were thrown out and are not told yet; since when they have recovered from something, null: not since. */
	readonly #zombies = new Map<GroupMember, number | null>();
	#owners: GroupMember[] = [];
	#generation = 0;

	constructor(world: World, topic: SimTopic) {
		this.#world = world;
		this.#topic = topic;
		const look = () => {
			for (const [member, { seenMs }] of this.#members) {
				if (world.nowMs - seenMs > SESSION_MS) {
					world.note("session ended");
					this.leave(member);
				}
			}
			world.after(LOOK_MS, look);
		};
		look();
	}

	join(member: GroupMember): void {
		this.#zombies.delete(member);
		this.#members.set(member, { joinedIn: -1, seenMs: this.#world.nowMs });
		this.rebalance();
	}

	/** The member's session ends, or it leaves. It learns of it at its next heartbeat, and fetches on until then. */
	leave(member: GroupMember): void {
		if (!this.#members.delete(member)) return;
		this.#zombies.set(member, null);
		this.rebalance();
	}

	/**
	 * Every member is told in its own time: until then the old owner of a partition goes on, beside the new one. Mostly
	 * sticky, as the assigner is; `nobody` gets the partition named, as while a topic is deleted.
	 */
	rebalance(nobody: number | null = null): void {
		const { random } = this.#world;
		const generation = ++this.#generation;
		const members = [...this.#members.keys()];
		if (members.length === 0) return;
		const owners = Array.from({ length: this.#topic.count }, (_, partition) => {
			const before = this.#owners[partition];
			return before !== undefined && this.#members.has(before) && random.chance(0.6)
				? before
				: random.pick(members);
		});
		this.#owners = owners;
		for (const member of members) {
			member.host.after(random.float() * (this.#world.faults ? 2_000 : 100), () => {
				const known = this.#members.get(member);
				if (generation !== this.#generation || known === undefined) return;
				known.joinedIn = generation;
				known.seenMs = this.#world.nowMs;
				const partitions = [...owners.keys()].filter((partition) => owners[partition] === member);
				member.assign(partitions.filter((partition) => partition !== nobody));
			});
		}
	}

	/** What the group answers to a heartbeat; the answer takes its way. */
	heartbeat(member: GroupMember): "fine" | "rebalancing" | "unknown" {
		const known = this.#members.get(member);
		if (known === undefined) return "unknown";
		known.seenMs = this.#world.nowMs;
		return known.joinedIn === this.#generation ? "fine" : "rebalancing";
	}

	/** The member has begun a recovery. */
	recovered(member: GroupMember): void {
		if (!this.#zombies.has(member)) return;
		this.#world.note("zombie recovered");
		this.#zombies.set(member, this.#world.nowMs);
	}

	/**
	 * The member has raised an epoch, in a transaction begun at `beganMs`. One that was thrown out must not do so after a
	 * recovery: it and the rightful owner would fence each other for ever (the reason for the wait in step 9).
	 */
	claimed(member: GroupMember, beganMs: number): void {
		const recoveredMs = this.#zombies.get(member);
		if (recoveredMs === undefined) return;
		this.#world.note("zombie claimed");
		if (recoveredMs !== null && beganMs > recoveredMs + UNDER_WAY_MS) {
			this.#world.problem(
				`step 9: ${member.host.name} was thrown out of the group, has recovered, and claims again`,
			);
		}
	}
}
