import { isUtf8 } from "node:buffer";
import t from "tap";
import {
	type LoadContent,
	type LoadCounts,
	recordsOf,
	USUAL_CONTENT,
} from "../../../../perf/support/load/content.ts";
import { type GenerateCounts, generate } from "../../../../producer/generate.ts";
import { userIdOf } from "../../../../producer/judge.ts";
import { createEventFields, createValidator } from "../../../../schema/validate.ts";

interface Made {
	readonly key: string | null;
	readonly value: string;
}

function made(content: Partial<LoadContent>, counts: LoadCounts = { records: 0, bad: 0 }): Made[] {
	const all: Made[] = [];
	const full = { ...USUAL_CONTENT, events: 5_000, ...content };
	for (const _ of recordsOf(full, counts, (bytes, keyStart, keyEnd, from, to) => {
		const key = keyStart < 0 ? null : bytes.toString("latin1", keyStart, keyEnd);
		all.push({ key, value: bytes.toString("latin1", from, to) });
	}));
	t.equal(counts.records, all.length, "as many as it says");
	return all;
}

const shareOf = (all: readonly Made[], wanted: (one: Made) => boolean) =>
	all.filter(wanted).length / all.length;

t.test("the usual content is the generator's stream, keyed by the user", (t) => {
	const counts: GenerateCounts = { events: 0, bad: 0, late: 0 };
	const content = { ...USUAL_CONTENT, events: 5_000, badRatio: 0 };
	const lines = Buffer.concat([...generate(content, counts)])
		.toString("latin1")
		.trimEnd()
		.split("\n");
	const records = made(content);
	t.strictSame(
		records.map(({ value }) => value),
		lines,
	);
	for (const { key, value } of records) {
		if (key !== userIdOf(Buffer.from(value, "latin1"))) t.fail(`${key} is not the user of ${value}`);
	}
	t.end();
});

t.test("bad lines are part of it, and a line without a user has no key", (t) => {
	const records = made({ badRatio: 0.5 });
	t.equal(records.length, 5_000);
	const isGood = ({ value }: Made) => value.startsWith('{"event_type"') && value.endsWith("}}");
	t.ok(shareOf(records, isGood) < 0.9);
	const keyless = records.filter(({ key }) => key === null);
	t.ok(keyless.length > 50);
	t.ok(keyless.every(({ value }) => !/"user_id":"[^"]/.test(value)));
	t.end();
});

t.test("a hot user has the share of events that was asked for, and the others keep theirs", (t) => {
	const records = made({ hotUserShare: 0.5 });
	const share = shareOf(records, ({ key }) => key === "user_hot");
	t.ok(share > 0.47 && share < 0.53, String(share));
	t.ok(new Set(records.map(({ key }) => key)).size > 500);
	t.ok(records.every(({ key, value }) => JSON.parse(value).payload.user_id === key));
	t.end();
});

t.test("new users are new each time", (t) => {
	const fresh = made({ newUserShare: 0.98 }).filter(({ key }) => key?.startsWith("user_n"));
	t.ok(fresh.length > 4_800);
	t.equal(new Set(fresh.map(({ key }) => key)).size, fresh.length);
	t.end();
});

t.test("scattered events happen in all of the hours, at valid times, and bad times stay bad", (t) => {
	const hourOf = ({ value }: Made) => /"event_time":"([^:]*)/.exec(value)?.[1];
	const records = made({ scatterHours: 720, lateRatio: 0, events: 20_000 });
	const hours = new Set(records.map(hourOf));
	t.equal(hours.size, 720);
	t.strictSame([...hours].sort().at(0), "2025-06-01T00");
	t.strictSame([...hours].sort().at(-1), "2025-06-30T23");
	const validate = createValidator();
	const fields = createEventFields();
	t.ok(records.every(({ value }) => validate(JSON.parse(value), fields) === null));
	const bad = made({ scatterHours: 720, badRatio: 0.5 }).filter(({ value }) => /T|"20/.test(value));
	t.ok(bad.some(({ value }) => value.includes("2025-13-01T10")));
	t.ok(bad.some(({ value }) => value.includes("2025-02-30T10")));
	t.end();
});

t.test("whatever the shape, as many records are bad as it says", (t) => {
	const validate = createValidator();
	const fields = createEventFields();
	const isBad = ({ value }: Made) => {
		const bytes = Buffer.from(value, "latin1");
		if (!isUtf8(bytes)) return true;
		try {
			return validate(JSON.parse(bytes.toString()), fields) !== null;
		} catch {
			return true;
		}
	};
	const shapes = [{}, { newUserShare: 1 }, { hotUserShare: 1 }, { scatterHours: 700 }, { paddingBytes: 50 }];
	for (const shape of shapes) {
		const counts: LoadCounts = { records: 0, bad: 0 };
		const records = made({ badRatio: 0.4, lateRatio: 0, ...shape }, counts);
		t.ok(counts.bad > 1_500);
		t.equal(records.filter(isBad).length, counts.bad, JSON.stringify(shape));
	}
	t.end();
});

t.test("padding makes good events longer by as many bytes, and leaves them good", (t) => {
	const plain = made({});
	const padded = made({ paddingBytes: 100 });
	const validate = createValidator();
	const fields = createEventFields();
	for (const [i, { value }] of padded.entries()) {
		const event = JSON.parse(value);
		if (value.length !== plain[i]!.value.length + 100 || validate(event, fields) !== null) t.fail(value);
		delete event.payload.padding;
		if (JSON.stringify(event) !== JSON.stringify(JSON.parse(plain[i]!.value))) t.fail(value);
	}
	t.end();
});

t.test("the same seed gives the same records, another one others", (t) => {
	const content = { hotUserShare: 0.2, newUserShare: 0.2, scatterHours: 48 };
	const text = (seed: number) => JSON.stringify(made({ ...content, seed }));
	const first = text(1);
	t.ok(text(1) === first);
	t.ok(text(2) !== first);
	t.end();
});
