// @ts-check
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { withLock } from "../setup/lock.mjs";
import { folderWith } from "./temporary.mjs";

const module = new URL("../setup/lock.mjs", import.meta.url).href;

/** A lock that is never given back shows as a test that never ends. */
const limit = { timeout: 30_000 };

/** Starts a process that takes the lock, appends "in", stays, appends "out". @param {string} lock @param {string} log @param {number} ms */
function holder(lock, log, ms) {
  const program = `
    import { appendFileSync } from "node:fs";
    import { setTimeout } from "node:timers/promises";
    import { withLock } from ${JSON.stringify(module)};
    await withLock(${JSON.stringify(lock)}, async () => {
      appendFileSync(${JSON.stringify(log)}, "in ");
      await setTimeout(${ms});
      appendFileSync(${JSON.stringify(log)}, "out ");
    }, { pollMs: 5 });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
  return { child, ended: new Promise((resolve) => child.on("exit", resolve)) };
}

test("processes that want the lock at once have it one after the other", limit, async (t) => {
  const folder = folderWith(t);
  const [lock, log] = [join(folder, "lock"), join(folder, "log")];
  await Promise.all([1, 2, 3, 4].map(() => holder(lock, log, 30).ended));
  assert.equal(readFileSync(log, "utf8"), "in out ".repeat(4));
  assert.equal(existsSync(lock), false);
});

test("the lock of a process that was killed is taken over, by one waiter at a time", limit, async (t) => {
  const folder = folderWith(t);
  const [lock, log] = [join(folder, "lock"), join(folder, "log")];
  const first = holder(lock, log, 60_000);
  while (!existsSync(log)) await new Promise((resolve) => setTimeout(resolve, 10));
  first.child.kill("SIGKILL");
  await first.ended;
  assert.equal(existsSync(lock), true, "a killed process leaves its lock");
  await Promise.all([1, 2, 3].map(() => holder(lock, log, 20).ended));
  assert.equal(readFileSync(log, "utf8"), `in ${"in out ".repeat(3)}`);
});

test("a lock whose process number has gone to another process is taken over", {
  skip: !existsSync("/proc/self/stat") && "no /proc here",
}, async (t) => {
  const lock = join(folderWith(t), "lock");
  writeFileSync(lock, `${hostname()} ${process.pid} 1`);
  assert.equal(await withLock(lock, async () => "mine"), "mine");
});

test("the waiter is told whom it waits for; an error in the work gives the lock back", limit, async (t) => {
  const lock = join(folderWith(t), "lock");
  /** @type {string[]} */
  const told = [];
  const first = withLock(lock, () => new Promise((resolve) => setTimeout(resolve, 60)));
  await withLock(lock, async () => {}, { pollMs: 5, onWait: (pid) => told.push(pid) });
  await first;
  assert.deepEqual(told, [String(process.pid)]);
  await assert.rejects(
    withLock(lock, () => Promise.reject(new Error("no"))),
    /^Error: no$/,
  );
  assert.equal(existsSync(lock), false);
});
