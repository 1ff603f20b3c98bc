/**
 * A strict reader of the Prometheus text format, for tests: what Prometheus would refuse or misread is an error here.
 *
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/. Stricter than that page: every sample needs a
 * HELP and a TYPE before it, a histogram must be complete and cumulative, and a counter must be finite and not negative.
 */

interface MetricSample {
	/** The name on the line: for histograms and summaries it has a suffix. */
	readonly name: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly value: number;
}

type MetricType = "counter" | "gauge" | "histogram" | "summary" | "untyped";

export interface MetricFamily {
	readonly type: MetricType;
	readonly help: string;
	readonly samples: readonly MetricSample[];
}

interface OpenFamily {
	readonly name: string;
	readonly help: string;
	type: MetricType | undefined;
	readonly samples: MetricSample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const SUFFIXES: Readonly<Record<MetricType, readonly string[]>> = {
	counter: [""],
	gauge: [""],
	untyped: [""],
	histogram: ["_bucket", "_sum", "_count"],
	summary: ["", "_sum", "_count"],
};

/**
 * Reads a whole page into its metric families by name.
 * @throws Error with the line number and the line, for anything Prometheus would not take.
 */
export function parseMetrics(text: string): Map<string, MetricFamily> {
	const families = new Map<string, OpenFamily>();
	const seen = new Set<string>();
	let current: OpenFamily | undefined;
	if (!text.endsWith("\n")) throw new Error("the page must end with a line feed");
	for (const [index, line] of text.slice(0, -1).split("\n").entries()) {
		try {
			if (line === "") continue;
			if (line.startsWith("#")) current = readComment(line, families, current);
			else readSample(line, current, seen);
		} catch (error) {
			throw new Error(`line ${index + 1}: ${(error as Error).message}: ${line}`);
		}
	}
	const result = new Map<string, MetricFamily>();
	for (const { name, help, type, samples } of families.values()) {
		if (type === undefined) throw new Error(`${name} has no TYPE`);
		if (type === "histogram") checkHistogram(name, samples);
		result.set(name, { type, help, samples });
	}
	return result;
}

/**
 * The value of the one sample with exactly these labels.
 * @throws Error when there is no such sample.
 */
export function metricValue(
	families: ReadonlyMap<string, MetricFamily>,
	name: string,
	labels: Readonly<Record<string, string>> = {},
): number {
	const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
	const wanted = seriesKey(name, labels);
	const found = family?.samples.find((sample) => seriesKey(sample.name, sample.labels) === wanted);
	if (found === undefined) throw new Error(`there is no sample ${wanted}`);
	return found.value;
}

function readComment(
	line: string,
	families: Map<string, OpenFamily>,
	current: OpenFamily | undefined,
): OpenFamily {
	const [, keyword, name = "", rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
	if (keyword === undefined || rest === undefined) throw new Error("neither HELP nor TYPE");
	if (!NAME.test(name)) throw new Error("not a metric name");
	if (keyword === "HELP") {
		if (families.has(name)) throw new Error("the metric appears twice");
		const family: OpenFamily = { name, help: unescaped(rest), type: undefined, samples: [] };
		families.set(name, family);
		return family;
	}
	if (current?.name !== name || current.samples.length > 0) throw new Error("TYPE must follow its own HELP");
	if (current.type !== undefined) throw new Error("a second TYPE");
	if (!(rest in SUFFIXES)) throw new Error("not a type");
	current.type = rest as MetricType;
	return current;
}

function readSample(line: string, current: OpenFamily | undefined, seen: Set<string>): void {
	const [, name, labelText = "", valueText] = SAMPLE.exec(line) ?? [];
	if (name === undefined || valueText === undefined) throw new Error("not a sample");
	if (current?.type === undefined) throw new Error("a sample without HELP and TYPE before it");
	const suffix = name.startsWith(current.name) ? name.slice(current.name.length) : undefined;
	if (suffix === undefined || !SUFFIXES[current.type].includes(suffix)) {
		throw new Error(`a sample of another metric than ${current.name}`);
	}
	const labels = readLabels(labelText);
	const value = readValue(valueText);
	if (current.type === "counter" && !(value >= 0 && Number.isFinite(value))) throw new Error("not a count");
	if ((suffix === "_bucket") !== "le" in labels) throw new Error("le belongs to buckets");
	const key = seriesKey(name, labels);
	if (seen.has(key)) throw new Error("the series appears twice");
	seen.add(key);
	current.samples.push({ name, labels, value });
}

function readLabels(text: string): Record<string, string> {
	const labels: Record<string, string> = {};
	let at = 0;
	while (at < text.length) {
		LABEL.lastIndex = at;
		const [whole, name = "", value = ""] = LABEL.exec(text) ?? [];
		if (whole === undefined) throw new Error(`bad labels at column ${at + 1}`);
		if (Object.hasOwn(labels, name)) throw new Error(`the label ${name} appears twice`);
		labels[name] = unescaped(value);
		at += whole.length;
	}
	return labels;
}

function readValue(text: string): number {
	if (/^nan$/i.test(text)) return Number.NaN;
	if (/^[+-]?inf$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
	if (!NUMBER.test(text)) throw new Error("not a number");
	return Number(text);
}

function checkHistogram(name: string, samples: readonly MetricSample[]): void {
	const series = new Map<string, MetricSample[]>();
	for (const sample of samples) {
		const { le: _bound, ...labels } = sample.labels;
		const key = seriesKey(name, labels);
		series.set(key, [...(series.get(key) ?? []), sample]);
	}
	for (const [key, own] of series) {
		const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
		const bounds = buckets.map((sample) => readValue(sample.labels["le"] ?? ""));
		for (let i = 1; i < buckets.length; i++) {
			if (!(bounds[i]! > bounds[i - 1]!)) throw new Error(`${key}: the buckets are not in order`);
			if (buckets[i]!.value < buckets[i - 1]!.value)
				throw new Error(`${key}: the buckets are not cumulative`);
		}
		if (bounds.at(-1) !== Infinity) throw new Error(`${key}: the bucket +Inf is missing`);
		const count = own.find((sample) => sample.name === `${name}_count`)?.value;
		if (count !== buckets.at(-1)!.value) throw new Error(`${key}: the bucket +Inf is not the count`);
		if (!own.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${key}: the sum is missing`);
	}
}

function seriesKey(name: string, labels: Readonly<Record<string, string>>): string {
	const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
	return `${name}{${pairs.sort().join(",")}}`;
}

function unescaped(text: string): string {
	return text.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
}
