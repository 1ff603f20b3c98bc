import {
	chmodSync,
	existsSync,
	mkdirSync,
	readFileSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { cacheFolder, isMarked, openHome, readJson, writeFileAtomic } from "../../../engine/local/home.ts";
import { wipeHome } from "../../../engine/local/wipe-home.ts";

t.test("a home is made with its parents, is private, and is opened again", async (t) => {
	const home = join(t.testdir(), "a", "b");
	t.equal(openHome(home), home);
	t.ok(isMarked(home));
	chmodSync(home, 0o777);
	t.equal(openHome(home), home);
	t.equal(statSync(home).mode & 0o066, 0, "opening it makes it private again");
});

t.test("a folder with other things in it is no home, and stays as it is", async (t) => {
	const home = t.testdir({ "letter.txt": "dear" });
	chmodSync(home, 0o755);
	t.throws(() => openHome(home), {
		message: /holds something else \(letter\.txt\)/,
		exitCode: 69,
		nextStep: /ENGINE_HOME/,
	});
	t.equal(statSync(home).mode & 0o777, 0o755);
	await t.rejects(wipeHome(home), /it is not deleted/);
	t.ok(existsSync(join(home, "letter.txt")));
});

t.test("a file where the home should be is an error that names it", async (t) => {
	const folder = t.testdir({ home: "a file" });
	t.throws(() => openHome(join(folder, "home")), /ENGINE_HOME .*home cannot be made/);
});

t.test("wiping a home removes it, and a link to it keeps pointing", async (t) => {
	const folder = t.testdir({ link: t.fixture("symlink", "real") });
	openHome(join(folder, "real"));
	writeFileSync(join(folder, "real", "data"), "x");
	await wipeHome(join(folder, "link"));
	t.notOk(existsSync(join(folder, "real")));
	await wipeHome(join(folder, "real"));
	t.notOk(existsSync(join(folder, "real")), "one that is not there is wiped already");
});

t.test("the cache is below XDG_CACHE_HOME, and there is none where nothing can be written", async (t) => {
	const folder = t.testdir({ file: "" });
	const before = process.env["XDG_CACHE_HOME"];
	t.teardown(() => {
		if (before === undefined) delete process.env["XDG_CACHE_HOME"];
		else process.env["XDG_CACHE_HOME"] = before;
	});
	process.env["XDG_CACHE_HOME"] = join(folder, "cache");
	t.equal(cacheFolder(), join(folder, "cache", "lottery-engine"));
	process.env["XDG_CACHE_HOME"] = join(folder, "file");
	t.equal(cacheFolder(), null);
});

t.test("a file is written whole or not at all, and what is no JSON reads as nothing", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "state.json");
	t.equal(readJson(path), null);
	writeFileAtomic(path, '{"port":1}');
	t.same(readJson(path), { port: 1 });
	t.equal(statSync(path).mode & 0o777, 0o600);
	writeFileSync(path, '{"port"');
	t.equal(readJson(path), null);
	mkdirSync(join(folder, "target"));
	symlinkSync(path, join(folder, "link"));
	writeFileAtomic(join(folder, "link"), "mine");
	t.equal(readFileSync(path, "utf8"), '{"port"', "a link is replaced, not written through");
});
