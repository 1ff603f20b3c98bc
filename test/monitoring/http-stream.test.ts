import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import t, { type Test } from "tap";
import { startHttp } from "../../monitoring/http.ts";
import { LiveStream, VIEWERS_MAX } from "../../monitoring/http-stream.ts";
import type { LivePage } from "../../monitoring/live.ts";
import { engineStatus } from "../support/engine-status.ts";
import { livePage, StubFeed } from "../support/live-page.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Sockets on one machine; what takes longer never comes. */
const SOON = { deadlineMs: 20_000, everyMs: 5 };

async function setup(t: Test) {
	const feed = new StubFeed();
	const http = await startHttp({
		host: "127.0.0.1",
		port: 0,
		metrics: { render: async () => "", contentType: "text/plain" },
		status: () => engineStatus(),
		live: feed,
		configRows: [{ name: "KAFKA_TOPIC", value: "user_events", origin: "default", description: "topic" }],
		log: { error: () => {} },
	});
	t.teardown(() => http.close());
	const join = async (t: Test): Promise<Viewer> => viewerOf(t, await fetch(`${http.url}/api/live`));
	return { feed, http, join };
}

interface Viewer {
	readonly response: Response;
	/** The next event: its name and its data. */
	next(): Promise<{ readonly event: string; readonly data: Record<string, unknown> }>;
	leave(): Promise<void>;
}

function viewerOf(t: Test, response: Response): Viewer {
	const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
	t.teardown(() => reader.cancel().catch(() => {}));
	let text = "";
	return {
		response,
		async next() {
			for (;;) {
				const end = text.indexOf("\n\n");
				if (end >= 0) {
					const lines = text.slice(0, end).split("\n");
					text = text.slice(end + 2);
					const field = (name: string) =>
						lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
					if (field("event") === undefined) continue;
					return { event: field("event")!, data: JSON.parse(field("data")!) };
				}
				const { value, done } = await reader.read();
				if (done) throw new Error("the stream has ended");
				text += value;
			}
		},
		leave: () => reader.cancel(),
	};
}

t.test("a viewer gets what went before and the configuration first, then every snapshot", async (t) => {
	const { feed, join } = await setup(t);
	const viewer = await join(t);
	t.equal(viewer.response.headers.get("content-type"), "text/event-stream; charset=utf-8");
	t.match(viewer.response.headers.get("cache-control"), "no-store");
	t.match(viewer.response.headers.get("content-security-policy"), "default-src 'self'");
	const hello = await viewer.next();
	t.equal(hello.event, "hello");
	t.match(hello.data, { build: /^[0-9a-f]{16}$/, config: [{ name: "KAFKA_TOPIC" }], history: { atMs: [] } });
	for (const stored of [1, 2]) {
		const { totals } = engineStatus();
		const page = livePage(engineStatus({ totals: { ...totals, stored } }));
		feed.push(page);
		const told = await viewer.next();
		t.equal(told.event, "page");
		t.strictSame(told.data, JSON.parse(JSON.stringify(page)), "as it was made");
	}
});

t.test("the engine is watched once however many look, and not at all when the last has gone", async (t) => {
	const { feed, join } = await setup(t);
	t.equal(feed.listeners, 0);
	const viewers = [await join(t), await join(t), await join(t)];
	t.equal(feed.listeners, 1);
	for (const viewer of viewers) await viewer.next();
	feed.push(livePage());
	for (const viewer of viewers) t.equal((await viewer.next()).event, "page");
	await Promise.all(viewers.map((viewer) => viewer.leave()));
	await waitUntil(() => feed.listeners === 0, SOON);
	t.equal((await (await join(t)).next()).event, "hello", "and again when somebody comes");
	t.equal(feed.listeners, 1);
});

t.test(`the viewer after the ${VIEWERS_MAX}th is refused, and has a place when one has gone`, async (t) => {
	const { feed, http, join } = await setup(t);
	const viewers: Viewer[] = [];
	for (let i = 0; i < VIEWERS_MAX; i++) viewers.push(await join(t));
	const refused = await fetch(`${http.url}/api/live`);
	t.equal(refused.status, 503);
	t.ok(Number(refused.headers.get("retry-after")) > 0);
	// A stream that was opened all the same has no end to wait for.
	const { value } = await refused.body!.getReader().read();
	t.match(new TextDecoder().decode(value), "watching");
	t.equal((await fetch(`${http.url}/livez`)).status, 200, "probes are not refused");
	t.equal(feed.listeners, 1);
	await viewers[0]!.leave();
	const admitted = await waitUntil(async () => {
		const response = await fetch(`${http.url}/api/live`);
		if (response.status === 200) return response;
		await response.text();
		return null;
	}, SOON);
	t.equal((await viewerOf(t, admitted).next()).event, "hello");
});

t.test("HEAD and other methods open no stream", async (t) => {
	const { feed, http } = await setup(t);
	const head = await fetch(`${http.url}/api/live`, { method: "HEAD" });
	t.equal(head.status, 200);
	t.equal(head.headers.get("content-type"), "text/event-stream; charset=utf-8");
	const post = await fetch(`${http.url}/api/live`, { method: "POST" });
	t.equal(post.status, 405);
	t.equal(feed.listeners, 0);
});

t.test("close ends the streams at once", async (t) => {
	const { feed, http, join } = await setup(t);
	const viewer = await join(t);
	await viewer.next();
	await http.close();
	await t.rejects(viewer.next());
	t.equal(feed.listeners, 0, "nobody watches any more");
});

/** A response that keeps what is written, up to a socket's worth. */
class SlowReader extends PassThrough {
	constructor() {
		super({ writableHighWaterMark: 16, readableHighWaterMark: 16 });
	}
	writeHead(): void {}
}

t.test("a reader that takes nothing misses snapshots, and is let go after half a minute", async (t) => {
	const feed = new StubFeed();
	let nowMs = 0;
	const stream = new LiveStream({ feed, config: null, build: () => "b", now: () => nowMs });
	const slow = new SlowReader();
	const quick = new SlowReader();
	let heard = "";
	quick.on("data", (chunk: Buffer) => {
		heard += chunk;
	});
	for (const reader of [slow, quick]) stream.open(reader as never, {});
	const page: LivePage = livePage();
	const heldAtFirst = slow.writableLength;
	for (let second = 0; second < 30; second++) {
		nowMs += 1000;
		feed.push(page);
		await new Promise((resolve) => setImmediate(resolve));
	}
	t.equal(slow.writableLength, heldAtFirst, "nothing piles up for it");
	t.equal(heard.split("event: page").length - 1, 30, "the other one has missed nothing");
	slow.resume();
	await new Promise((resolve) => setImmediate(resolve));
	slow.pause();
	nowMs += 1000;
	feed.push(page);
	t.ok(slow.writableLength > 0 || slow.readableLength > 0, "once it reads again it gets the next one");
	slow.pause();
	for (let second = 0; second <= 31; second++) {
		nowMs += 1000;
		feed.push(page);
	}
	t.ok(slow.destroyed, "asleep for too long");
	await once(slow, "close");
	t.equal(stream.viewers, 1);
	stream.close();
	await once(quick, "close");
	t.equal(stream.viewers, 0);
	t.equal(feed.listeners, 0);
});

t.test("a real socket that nobody reads does not grow the engine", async (t) => {
	const { feed, http } = await setup(t);
	const socket: Socket = connect(Number(new URL(http.url).port), "127.0.0.1");
	t.teardown(() => socket.destroy());
	socket.write("GET /api/live HTTP/1.1\r\nHost: x\r\n\r\n");
	await waitUntil(() => feed.listeners === 1, SOON);
	socket.pause();
	const detail = "x".repeat(200_000);
	const page = livePage(engineStatus({ notReady: [detail] }));
	const pushes = 1_000;
	const before = process.memoryUsage().rss;
	for (let i = 0; i < pushes; i++) {
		feed.push(page);
		if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
	}
	const grownMb = (process.memoryUsage().rss - before) / 1024 / 1024;
	t.ok(grownMb < 100, `grown by ${Math.round(grownMb)} MB, where keeping all would be 200 MB`);
});
