/**
 * Errors for people: what is wrong, and the next step. The kind decides the exit code; a message is never parsed.
 * An error that is none of these is our bug, or a driver's: exit 1.
 */
import { EXIT, type ExitCode } from "./exit-codes.ts";

/** `nextStep` is a sentence or a command that helps; it is printed on a line of its own. */
export class EngineError extends Error {
	readonly exitCode: ExitCode;
	readonly nextStep: string | null;

	constructor(message: string, exitCode: ExitCode, nextStep: string | null = null, options?: ErrorOptions) {
		super(message, options);
		this.name = new.target.name;
		this.exitCode = exitCode;
		this.nextStep = nextStep;
	}
}

/** The command line is wrong. Exit 2. */
export class UsageError extends EngineError {
	constructor(message: string, nextStep: string | null = null) {
		super(message, EXIT.usage, nextStep);
	}
}

/** One wrong setting: its name, what it holds (masked when it is a secret), and the rule it breaks. */
export interface ConfigProblem {
	readonly variable: string;
	/** Null when the problem is that there is no value. */
	readonly value: string | null;
	readonly rule: string;
	/** Where the value comes from, for people: `environment`, `.env`, `flag --topic`. */
	readonly origin: string;
}

/** Every problem of the configuration at once. Exit 78. */
export class ConfigError extends EngineError {
	readonly problems: readonly ConfigProblem[];

	constructor(problems: readonly ConfigProblem[], nextStep = CONFIG_NEXT_STEP) {
		super(
			`the configuration has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${list(problems)}`,
			EXIT.configuration,
			nextStep,
		);
		this.problems = problems;
	}
}

const CONFIG_NEXT_STEP =
	"correct them where they are set (flag, environment or .env); .env.example describes every variable";

function list(problems: readonly ConfigProblem[]): string {
	return problems
		.map(({ variable, value, rule, origin }) => {
			const found = value === null ? "is not set" : `is ${JSON.stringify(value)} (${origin})`;
			return `  ${variable} ${found}: ${rule}`;
		})
		.join("\n");
}

/** Dead letters passed `INVALID_RATIO_MAX` of the last messages. Exit 65. */
export class TooMuchBadInputError extends EngineError {
	readonly code = "TOO_MUCH_BAD_INPUT";
	readonly retryable = false;

	constructor(message: string, nextStep: string) {
		super(message, EXIT.badInput, nextStep);
	}
}

/** Kafka or Postgres cannot be reached, or lacks what is needed. Exit 69. */
export class UnavailableError extends EngineError {
	readonly dependency: string;

	constructor(dependency: string, message: string, nextStep: string, options?: ErrorOptions) {
		super(message, EXIT.unavailable, nextStep, options);
		this.dependency = dependency;
	}
}
