import { once } from "node:events";
import { createServer } from "node:net";
import t from "tap";
import { freePort } from "../../../engine/local/free-port.ts";

t.test("the preferred port is kept while it is free", async (t) => {
	const port = await freePort();
	t.equal(await freePort(port), port);
});

t.test("a preferred port that is taken leads to another one", async (t) => {
	const server = createServer();
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address() as { port: number };
	const chosen = await freePort(port);
	t.not(chosen, port);
	t.ok(chosen > 0 && chosen < 65_536);
	server.close();
});
