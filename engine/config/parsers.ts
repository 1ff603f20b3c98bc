/**
 * Parsers of configuration values: text in, value out, `undefined` when the text breaks the rule. Every parser carries
 * its rule as a sentence, so that the error, the table of `node engine config` and the documentation say the same.
 */
export interface Parser<T> {
	/** Follows "must be"; read by people. */
	readonly rule: string;
	parse(text: string): T | undefined;
}

export function integer(min: number, max: number, unit = ""): Parser<number> {
	return {
		rule: `must be a whole number${unit && ` of ${unit}`} from ${min} to ${max}`,
		parse(text) {
			if (!/^[+-]?\d{1,15}$/.test(text)) return undefined;
			const value = Number(text);
			return value >= min && value <= max ? value : undefined;
		},
	};
}

/** A share of a whole, 0 to 1. */
export const ratio: Parser<number> = {
	rule: "must be a number from 0 to 1",
	parse(text) {
		if (!/^(\d+(\.\d*)?|\.\d+)$/.test(text)) return undefined;
		const value = Number(text);
		return value <= 1 ? value : undefined;
	},
};

export function oneOf<const T extends string>(choices: readonly T[]): Parser<T> {
	return {
		rule: `must be one of ${choices.join(", ")}`,
		parse: (text) => choices.find((choice) => choice === text.toLowerCase()),
	};
}

export const boolean: Parser<boolean> = {
	rule: "must be true or false",
	parse(text) {
		const lower = text.toLowerCase();
		if (["true", "1", "yes", "on"].includes(lower)) return true;
		if (["false", "0", "no", "off"].includes(lower)) return false;
		return undefined;
	},
};

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Longest duration accepted: ten years. What is longer is a slip of the unit. */
export const DURATION_MS_MAX = 3650 * 86_400_000;

/** A duration in ms. A number without a unit is seconds, as in `PGCONNECT_TIMEOUT`. */
export const duration: Parser<number> = {
	rule: "must be a duration such as 24h, 90m, 3600s or 500ms (a plain number is seconds), at most 3650d",
	parse(text) {
		const match = /^(\d{1,13}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text.toLowerCase());
		if (match === null) return undefined;
		const valueMs = Math.round(Number(match[1]) * (UNIT_MS[match[2] ?? "s"] ?? 0));
		return valueMs <= DURATION_MS_MAX ? valueMs : undefined;
	},
};

export function text(maxLength: number): Parser<string> {
	return {
		rule: `must be 1 to ${maxLength} characters without control characters`,
		parse: (value) => (value.length <= maxLength && /^\P{Cc}+$/u.test(value) ? value : undefined),
	};
}

/** Path of a file that is read as a log. Standard input is none: after a crash nobody could read it again. */
export const sourceFile: Parser<string> = {
	rule: "must be the path of a plain file (not -: what comes from a pipe cannot be read again after a crash; save it to a file first)",
	parse: (value) => (value === "-" || value === "/dev/stdin" ? undefined : text(4096).parse(value)),
};

/** PEM text: several lines are its nature. */
export const pem: Parser<string> = {
	rule: "must be PEM text that begins with -----BEGIN",
	parse: (value) => (value.trimStart().startsWith("-----BEGIN ") ? value : undefined),
};

/** Kafka's own rule for topic names: they become folder names on the broker. */
export const topicName: Parser<string> = {
	rule: "must be a Kafka topic name: 1 to 249 of the characters a-z A-Z 0-9 . _ - (not one or two dots alone)",
	parse: (value) => (/^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/.test(value) ? value : undefined),
};

/** `host:port` pairs; a host without a port gets Kafka's 9092. */
export const brokerList: Parser<readonly string[]> = {
	rule: "must be host:port pairs separated by commas, such as kafka-1:9092,kafka-2:9092",
	parse(value) {
		const brokers: string[] = [];
		for (const part of value.split(",").map((each) => each.trim())) {
			if (part === "") continue;
			const match = /^(\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9._-]+)(?::(\d{1,5}))?$/.exec(part);
			const port = Number(match?.[2] ?? 9092);
			if (match === null || port < 1 || port > 65_535) return undefined;
			brokers.push(`${match[1]}:${port}`);
		}
		return brokers.length > 0 ? brokers : undefined;
	},
};

export const postgresUrl: Parser<string> = {
	rule: "must be a URL such as postgres://user:password@host:5432/database",
	parse(value) {
		if (!/^postgres(ql)?:\/\//.test(value)) return undefined;
		return URL.canParse(value) ? value : undefined;
	},
};
