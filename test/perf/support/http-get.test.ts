import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { httpGet } from "../../../perf/support/http-get.ts";

t.test("a port that is closed, fails or is slow answers nothing", async (t) => {
	t.equal(await httpGet("http://127.0.0.1:1", 1000), null);
	const server = createServer((request, response) => {
		if (request.url === "/slow") return;
		response.writeHead(request.url === "/well" ? 200 : 503).end("well");
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	t.equal(await httpGet(`${url}/well`, 5000), "well");
	t.equal(await httpGet(`${url}/sick`, 5000), null);
	t.equal(await httpGet(`${url}/slow`, 1), null);
});
