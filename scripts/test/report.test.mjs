// @ts-check
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { folderWith } from "./temporary.mjs";

const runner = fileURLToPath(new URL("../test.mjs", import.meta.url));

/** Runs the runner on a folder with these files. @param {import("node:test").TestContext} t @param {Record<string, string>} files @param {string[]} args */
function report(t, files, ...args) {
  const header = 'import assert from "node:assert/strict"; import { describe, test } from "node:test";\n';
  const withHeader = Object.entries(files).map(([name, text]) => [name, header + text]);
  const folder = folderWith(t, Object.fromEntries(withHeader));
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, FORCE_COLOR: "0" };
  const { stdout, status } = spawnSync(process.execPath, [runner, "test", "--folder", folder, ...args], {
    encoding: "utf8",
    env,
  });
  return { status, text: stdout, last: stdout.trimEnd().split("\n").at(-1) };
}

const good = 'test("goes", () => {});';

test("one passing, one failing, one skipped", (t) => {
  const { status, text, last } = report(t, {
    "a.test.mjs": `${good} test("breaks", () => assert.equal(2 * 3, 7)); test("waits", { skip: "no pictures here" }, () => {});`,
  });
  assert.equal(last, "1 passed, 1 failed, 1 skipped");
  assert.equal(status, 1);
  assert.match(text, /a\.test\.mjs: waits \(no pictures here\)/);
  assert.match(text, /a\.test\.mjs: breaks\n(.*\n)*?.*6 !== 7/);
});

test("all passing ends with 0; tests in suites count once, suites do not", (t) => {
  const { status, last } = report(t, {
    "a.test.mjs": `${good} describe("s", () => { ${good} test("two", () => {}); });`,
  });
  assert.deepEqual([status, last], [0, "3 passed, 0 failed"]);
});

test("a failure inside a suite is named with its suite and counted once", (t) => {
  const { text, last } = report(t, {
    "a.test.mjs": `describe("outer", () => { test("inner", () => { throw new Error("why"); }); });`,
  });
  assert.equal(last, "0 passed, 1 failed");
  assert.match(text, /outer > inner\n\s+why/);
});

test("a file that crashes after its last test, does not load, or holds no test is a failure", (t) => {
  const { text, last, status } = report(t, {
    "crash.test.mjs": `${good} process.on("exit", () => process.kill(process.pid, "SIGKILL"));`,
    "both.test.mjs": `test("breaks", () => assert.ok(false)); process.on("exit", () => process.kill(process.pid, "SIGKILL"));`,
    "load.test.mjs": 'import "./nothing.mjs";',
    "none.test.mjs": 'console.log("a word");',
  });
  assert.match(text, /crash\.test\.mjs: the process was ended by SIGKILL/);
  assert.match(text, /both\.test\.mjs: the process was ended by SIGKILL/);
  assert.match(text, /load\.test\.mjs: the process ended with exit code 1/);
  assert.match(text, /Cannot find module/);
  assert.match(text, /none\.test\.mjs: holds no test/);
  assert.deepEqual([last, status], ["1 passed, 5 failed", 1]);
});

test("filters choose files by their path, --name tests by their name; nothing chosen is a failure", (t) => {
  const files = { "a.test.mjs": `${good} test("other", () => {});`, "b.test.mjs": good };
  assert.equal(report(t, files, "a.test").last, "2 passed, 0 failed");
  assert.equal(report(t, files, "--name", "oth").last, "1 passed, 0 failed");
  const none = report(t, files, "zebra");
  assert.match(none.text, /no test file matches zebra/);
  assert.deepEqual([none.last, none.status], ["0 passed, 0 failed", 1]);
});
