/** The health check of the image, run as Docker runs it, against a server that answers what an engine would. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { packageRoot } from "../../schema/package-root.ts";
import { runNode } from "../support/command.ts";

const script = join(packageRoot(), "containers/healthcheck.js");

/** An engine that is alive, and not ready for a reason. */
async function engineOf(t: Test): Promise<string> {
	const server = createServer(({ url }, response) => {
		if (url === "/livez") response.end("ok\n");
		else response.writeHead(503).end('{"ready":false,"reasons":["Kafka does not answer"]}\n');
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => server.close());
	return String((server.address() as AddressInfo).port);
}

t.test("an engine that answers is healthy, on the port it was given", async (t) => {
	const env = { HTTP_PORT: await engineOf(t) };
	t.same(await runNode([script], { cwd: "/", env }), { code: 0, stdout: "", stderr: "" });
	t.same(await runNode([script, "/livez"], { cwd: "/", env }), { code: 0, stdout: "", stderr: "" });
});

t.test("one that is not ready is not, and says why", async (t) => {
	const result = await runNode([script, "/readyz"], { cwd: "/", env: { HTTP_PORT: await engineOf(t) } });
	t.equal(result.code, 1);
	t.match(result.stderr, /^\/readyz: 503 .*Kafka does not answer/);
});

t.test("one that does not answer is not", async (t) => {
	// Port 1 is nobody's: a process without rights cannot take it.
	const result = await runNode([script], { cwd: "/", env: { HTTP_PORT: "1" } });
	t.equal(result.code, 1);
	t.match(result.stderr, /^\/livez: connect ECONNREFUSED/);
});
