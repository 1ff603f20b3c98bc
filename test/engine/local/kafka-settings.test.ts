import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { KAFKA_VERSION } from "../../../engine/local/kafka-jars.ts";
import { serverProperties } from "../../../engine/local/kafka-settings.ts";
import { packageRoot } from "../../../schema/package-root.ts";

const address = { port: 9001, controllerPort: 9002, clusterId: "x" };

t.test("the broker listens on 127.0.0.1 only, and every internal topic has one copy", async (t) => {
	const lines = serverProperties(address, "/data").split("\n");
	const listening = lines.filter((line) => /listeners=|voters=/.test(line));
	t.equal(listening.length, 3);
	for (const line of listening) t.match(line, /127\.0\.0\.1:900[12]/);
	const copies = lines.filter((line) => /replication\.factor=|min\.isr=|insync\.replicas=/.test(line));
	t.equal(copies.length, 7);
	for (const line of copies) t.match(line, /=1$/);
	t.ok(lines.includes("group.initial.rebalance.delay.ms=0"));
	t.ok(lines.includes("auto.create.topics.enable=false"));
	for (const every of ["log.flush.interval.ms=1000", "log.flush.scheduler.interval.ms=1000"]) {
		t.ok(lines.includes(every), "no half minute of records is written at once");
	}
});

t.test("a backslash in the path of the data reaches Kafka as one", async (t) => {
	t.ok(serverProperties(address, "C:\\data").split("\n").includes("log.dirs=C:\\\\data"));
});

t.test("the version that is looked for is the one Maven fetches", async (t) => {
	const pom = readFileSync(join(packageRoot(), "engine", "local", "pom.xml"), "utf8");
	t.ok(pom.includes(`<version>${KAFKA_VERSION}</version>`));
});
