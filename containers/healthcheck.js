/**
 * Asks the engine of this container how it is: `node healthcheck.js [path]`, by default /livez. Exits 0 when it answers
 * 200, else 1 with the answer on stderr, which `docker inspect` shows. `node:http`, since `fetch` costs twice the start.
 */
import { get } from "node:http";

/** Shorter than the timeout of the health check, so that the reason is told before the check is killed. */
const ANSWER_MS_MAX = 2_500;
/** As in .env.example. */
const HTTP_PORT_DEFAULT = "9464";

const path = process.argv[2] ?? "/livez";
// An empty value counts as not set, as it does for the engine.
const port = process.env.HTTP_PORT || HTTP_PORT_DEFAULT;

function refuse(reason) {
	process.stderr.write(`${path}: ${reason}\n`);
	process.exit(1);
}

get({ host: "127.0.0.1", port, path, timeout: ANSWER_MS_MAX }, (response) => {
	if (response.statusCode === 200) process.exit(0);
	response.setEncoding("utf8");
	let body = "";
	response.on("data", (chunk) => {
		body += chunk;
	});
	response.on("end", () => refuse(`${response.statusCode} ${body.trim()}`));
})
	.on("timeout", () => refuse(`no answer within ${ANSWER_MS_MAX} ms`))
	.on("error", (error) => refuse(error.message));
