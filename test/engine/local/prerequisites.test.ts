import t from "tap";
import { missing } from "../../../engine/local/kafka-jars.ts";
import {
	checkPrerequisites,
	installCommand,
	javaMajor,
	type Machine,
} from "../../../engine/local/prerequisites.ts";

function machine(programs: readonly string[], changes: Partial<Machine> = {}): Machine {
	return {
		platform: "linux",
		isRoot: true,
		find: (program) => (programs.includes(program) ? `/usr/bin/${program}` : null),
		javaVersion: () => 'openjdk version "17.0.15" 2025-04-15',
		osRelease: 'ID=debian\nVERSION_ID="12"\n',
		...changes,
	};
}

t.test("with Java and Maven nothing is missing", async (t) => {
	t.match(checkPrerequisites(machine(["java", "mvn", "apt-get"])), {
		java: "/usr/bin/java",
		maven: "/usr/bin/mvn",
		missing: [],
	});
});

t.test(
	"without them one error names both, the command that installs them, and the ways around",
	async (t) => {
		const error = missing(checkPrerequisites(machine(["apt-get"])));
		t.equal(error.message, "the embedded Kafka needs Java 17 or newer and Maven");
		t.match(error.nextStep, /install with: apt-get install -y openjdk-17-jre-headless maven\n/);
		for (const way of ["KAFKA_BROKERS"]) t.ok(error.nextStep?.includes(way), way);
		t.equal(error.exitCode, 69);
	},
);

t.test("a Java that is too old, or only pretends to be one, is missing", async (t) => {
	const old = checkPrerequisites(
		machine(["java", "mvn"], { javaVersion: () => 'openjdk version "11.0.2" 2019-01-15' }),
	);
	t.match(old, { java: null, missing: ["Java 17 or newer (found Java 11 at /usr/bin/java)"] });
	const stub = checkPrerequisites(machine(["java", "mvn"], { javaVersion: () => null }));
	t.match(stub, { java: null, missing: ["Java 17 or newer"] });
});

t.test("every way of writing a version is read", async (t) => {
	const versions: readonly (readonly [string, number | null])[] = [
		['openjdk version "17.0.15" 2025-04-15', 17],
		['java version "1.8.0_401"', 8],
		['openjdk version "21" 2023-09-19', 21],
		['Picked up something\nopenjdk version "25.0.1" 2025-10-21 LTS', 25],
		["The operation couldn't be completed. Unable to locate a Java Runtime.", null],
	];
	for (const [said, major] of versions) t.equal(javaMajor(said), major, said);
});

t.test("the command is the machine's own", async (t) => {
	t.equal(installCommand(machine([], { platform: "darwin" })), "brew install openjdk@17 maven");
	t.equal(
		installCommand(machine(["apt-get"], { isRoot: false })),
		"sudo apt-get install -y openjdk-17-jre-headless maven",
	);
	t.match(
		installCommand(machine(["apt-get"], { osRelease: 'ID=debian\nVERSION_ID="13"' })),
		/openjdk-21-jre-headless/,
	);
	t.match(
		installCommand(machine(["apt-get"], { osRelease: 'ID=ubuntu\nVERSION_ID="24.04"' })),
		/openjdk-17-jre-headless/,
	);
	t.match(installCommand(machine(["dnf"])), /^dnf install/);
	t.match(installCommand(machine(["apk"])), /^apk add/);
	t.match(installCommand(machine([])), /^apt-get/, "where no manager is known, the commonest");
});
