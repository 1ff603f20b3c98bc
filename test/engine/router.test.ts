import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import t from "tap";
import { identityOf, Router } from "../../engine/router.ts";
import { shardOf } from "../../engine/sharding.ts";
import type { PackedSlice } from "../../workers/slice.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { seedProperties } from "../support/property-seed.ts";
import {
	ArrayCursor,
	type CursorRecord,
	DEFAULT_TIMESTAMP_MS,
	recordsFrom,
} from "../support/record-cursor.ts";
import { unpack } from "../support/slices.ts";

seedProperties(t, 300);

const LIMITS = { sliceBytesMax: 256, sliceDelayMs: 5, recordOverheadBytes: 64 };

function routerOf(shards: number) {
	const clock = new ManualClock();
	const posted: { shard: number; slice: PackedSlice }[] = [];
	const router = new Router(shards, LIMITS, clock, (shard, slice) => posted.push({ shard, slice }));
	const offsets = () => posted.map(({ slice }) => unpack(slice).map(({ offset }) => offset));
	return { clock, posted, router, offsets };
}

t.test("what is packed is posted after its delay, as one slice", async (t) => {
	const { clock, router, posted, offsets } = routerOf(1);
	router.route(new ArrayCursor(recordsFrom(0, 1)), 3, 7, 0);
	clock.advance(4);
	router.route(new ArrayCursor(recordsFrom(1, 2)), 3, 7, 1);
	t.equal(posted.length, 0);
	clock.advance(1);
	t.same(offsets(), [[0, 1]], "counted from the first record");
	t.match(posted[0], { shard: 0, slice: { runs: [{ partition: 3, epoch: 7, count: 2 }] } });
	t.same(clock.timers, []);
});

t.test("a full slice is posted at once", async (t) => {
	const { router, posted, offsets } = routerOf(1);
	router.route(new ArrayCursor(recordsFrom(0, 8)), 0, 1, 0);
	t.equal(posted.length, 1);
	const full = offsets()[0]!.length;
	t.ok(posted[0]!.slice.byteLength >= LIMITS.sliceBytesMax, "at the record that reaches the limit");
	const less = routerOf(1);
	less.router.route(new ArrayCursor(recordsFrom(0, full - 1)), 0, 1, 0);
	t.equal(less.posted.length, 0, "and not before it");
	router.flush();
	t.same(offsets().flat(), [0, 1, 2, 3, 4, 5, 6, 7]);
});

t.test("a flush posts everything and leaves no timer; an empty one posts nothing", async (t) => {
	const { clock, router, posted } = routerOf(2);
	router.flush();
	router.route(new ArrayCursor(recordsFrom(0, 4)), 0, 1, 0);
	router.flush();
	t.equal(
		posted.reduce((sum, { slice }) => sum + slice.count, 0),
		4,
	);
	t.same(clock.timers, []);
	const before = posted.length;
	router.flush();
	t.equal(posted.length, before);
});

t.test("what a recovery drops is never posted", async (t) => {
	const { clock, router, posted, offsets } = routerOf(1);
	router.route(new ArrayCursor(recordsFrom(0, 2)), 0, 1, 0);
	router.drop();
	clock.advance(100);
	router.flush();
	t.equal(posted.length, 0);
	router.route(new ArrayCursor(recordsFrom(5, 6)), 0, 2, 5);
	clock.advance(5);
	t.same(offsets(), [[5]], "and it goes on with what comes after");
	t.match(posted[0], { slice: { runs: [{ epoch: 2, count: 1 }] } });
});

t.test("records below the position are left out, of the counts too", async (t) => {
	const { router, offsets } = routerOf(1);
	const routed = router.route(new ArrayCursor(recordsFrom(0, 5)), 0, 1, 3);
	t.match(routed, { records: 2, first: { timestampMs: DEFAULT_TIMESTAMP_MS }, last: { offset: 4 } });
	router.flush();
	t.same(offsets(), [[3, 4]]);
});

t.test("a batch with nothing at or above the position changes nothing and sets no timer", async (t) => {
	const { clock, router } = routerOf(1);
	t.same(router.route(new ArrayCursor(recordsFrom(0, 3)), 0, 1, 3), {
		records: 0,
		bytes: 0,
		first: null,
		last: null,
	});
	t.same(clock.timers, []);
});

t.test("the record a cursor stands on is routed when it was only looked at", async (t) => {
	const { router, offsets } = routerOf(1);
	const standing = new ArrayCursor(recordsFrom(4, 6));
	standing.next();
	t.equal(router.route(standing, 0, 1, 4, true).records, 2);
	const passed = new ArrayCursor(recordsFrom(5, 8));
	passed.next();
	t.equal(router.route(passed, 0, 1, 6, true).records, 2, "unless it was counted long ago");
	router.flush();
	t.same(offsets(), [[4, 5, 6, 7]]);
});

t.test("a record is charged with its key, its value, its headers and what it costs beside", async (t) => {
	const { router } = routerOf(1);
	const charge = (record: Omit<CursorRecord, "offset">): number =>
		router.route(new ArrayCursor([{ offset: 0, ...record }]), 0, 1, 0).bytes;
	t.equal(charge({ key: "four", value: "sixsix" }), 64 + 4 + 6);
	t.equal(charge({ key: null, value: null }), 64);
	t.equal(charge({ key: null, value: null, headers: new Uint8Array(1000) }), 64 + 1000);
});

t.test("every record reaches the actor of its key once, whole, in order, whatever the batches", async (t) => {
	const bytes = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 90 }));
	const record = fc.record({
		value: bytes,
		key: bytes,
		headers: bytes,
		timestampMs: fc.integer({ min: -1, max: 99 }),
	});
	const batch = fc.record({
		partition: fc.nat(2),
		records: fc.array(record, { minLength: 1, maxLength: 12 }),
		after: fc.constantFrom("nothing", "flush", "delay"),
	});
	fc.assert(
		fc.property(fc.integer({ min: 1, max: 4 }), fc.array(batch, { maxLength: 8 }), (shards, batches) => {
			const { clock, router, posted } = routerOf(shards);
			const expected: unknown[][] = Array.from({ length: shards }, () => []);
			let offset = 0;
			for (const { partition, records, after } of batches) {
				const numbered = records.map((each) => ({ offset: offset++, ...each }));
				const routed = router.route(new ArrayCursor(numbered), partition, 1, 0);
				assert.equal(routed.records, numbered.length);
				assert.equal(routed.first?.timestampMs, numbered[0]!.timestampMs);
				assert.equal(routed.last?.offset, offset - 1);
				const look = new ArrayCursor(numbered);
				for (const each of numbered) {
					look.next();
					const shard = shardOf(look, shards);
					const plain = (one: Uint8Array | null) => one && [...one];
					expected[shard]!.push([
						partition,
						each.offset,
						each.timestampMs,
						plain(each.value),
						plain(each.key),
						plain(each.headers),
					]);
				}
				if (after === "flush") router.flush();
				if (after === "delay") clock.advance(LIMITS.sliceDelayMs);
			}
			router.flush();
			const found: unknown[][] = Array.from({ length: shards }, () => []);
			for (const { shard, slice } of posted) {
				assert.ok(slice.count > 0, "no empty slice");
				for (const one of unpack(slice)) {
					const plain = (field: Uint8Array | null) => field && [...field];
					assert.equal(one.epoch, 1);
					found[shard]!.push([
						one.partition,
						one.offset,
						one.timestampMs,
						plain(one.value),
						plain(one.key),
						plain(one.headers),
					]);
				}
			}
			assert.deepEqual(found, expected);
		}),
	);
	t.pass("all batches held");
});

function identity(record: CursorRecord) {
	const cursor = new ArrayCursor([record]);
	cursor.next();
	const found = identityOf(cursor);
	return { ...found, hash: Buffer.from(found.hash).toString("hex") };
}

t.test("a record is recognised by offset, timestamp and 16 bytes of the hash of key and value", async (t) => {
	const expected = createHash("sha256")
		.update(Buffer.from("00000001000000016b76", "hex"))
		.digest("hex")
		.slice(0, 32);
	t.same(identity({ offset: 4, timestampMs: 9, key: "k", value: "v" }), {
		offset: 4,
		timestampMs: 9,
		hash: expected,
	});
});

t.test("records that differ in key or value, or in null and empty, are told apart", async (t) => {
	const records: Omit<CursorRecord, "offset">[] = [
		{ key: "k", value: "v" },
		{ key: "kv", value: "" },
		{ key: "", value: "kv" },
		{ key: null, value: "kv" },
		{ key: null, value: null },
		{ key: null, value: "" },
		{ key: "k", value: null },
		{ key: "k", value: "" },
	];
	const hashes = records.map((record) => identity({ offset: 0, ...record }).hash);
	t.equal(new Set(hashes).size, records.length);
});

t.test("behind the end of a cursor the identity is that of its last record", async (t) => {
	const cursor = new ArrayCursor(recordsFrom(0, 2));
	while (cursor.next());
	t.same(identityOf(cursor), identityOf(cursor));
	t.equal(identityOf(cursor).offset, 1);
	t.equal(Buffer.from(identityOf(cursor).hash).toString("hex"), identity({ offset: 1 }).hash);
});
