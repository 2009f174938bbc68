import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { fetchWeights } from "../src/weights/fetch.js";
import { lockFile } from "../src/weights/file-lock.js";
import type { KnownFile } from "../src/weights/known-files.js";
import { publishedAs, serve, someBytes, type TestServer } from "./weights-server.js";

const program = fileURLToPath(new URL("./weights-fetch-process.js", import.meta.url));
const content = someBytes(200_003);
const base = mkdtempSync(join(tmpdir(), "adsam-weights-"));
let server: TestServer;
let file: KnownFile;
let folder: string;

before(async () => {
  server = await serve(content);
  file = publishedAs(content, server.address);
});
beforeEach((context) => {
  process.env.ADSAM_CACHE = join(base, context.name.replaceAll(/\W+/g, "-"));
  folder = join(process.env.ADSAM_CACHE, "weights");
  server.ranges.length = 0;
});
after(async () => {
  await server.close();
  rmSync(base, { recursive: true, force: true });
});

function start(): ChildProcess {
  return spawn(process.execPath, [program, JSON.stringify(file)], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Kills a process once so many bytes came, and waits for its end. */
async function killAfter(bytes: number, child: ChildProcess): Promise<void> {
  for await (const text of child.stdout!) {
    for (const line of String(text).split("\n")) {
      const done = Number(/^\{"done":(\d+)\}$/.exec(line)?.[1] ?? 0);
      if (done >= bytes) child.kill("SIGKILL");
    }
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
}

describe("processes", () => {
  test("one goes on at once where another was killed", async () => {
    server.turns.push({ slow: 5 });
    await killAfter(60_000, start());
    assert.ok(existsSync(join(folder, "test_net.pth.lock")), "the dead process's lock");
    const left = statSync(join(folder, "test_net.pth.part")).size;
    assert.ok(left >= 60_000 && left < 200_003, `${left}`);
    const begin = performance.now();
    const { resumedFrom } = await fetchWeights(file);
    assert.ok(performance.now() - begin < 5000);
    assert.equal(resumedFrom, left);
    assert.deepEqual(server.ranges, ["", `bytes=${left}-`]);
    assert.deepEqual(readFileSync(join(folder, "test_net.pth")), content);
    assert.deepEqual(readdirSync(folder).sort(), ["test_net.pth", "test_net.pth.checked.json"]);
  });

  test("two that want one file download it once", async () => {
    server.turns.push({ slow: 20 });
    const child = start();
    const [text] = await once(child.stdout!, "data");
    assert.match(String(text), /fetching test_net\.pth/);
    const notes: string[] = [];
    const seen: number[] = [];
    const onNote = (text: string) => void notes.push(text);
    const mine = await fetchWeights(file, { onNote, onProgress: (done) => void seen.push(done) });
    assert.equal(mine.outcome, "cached");
    assert.deepEqual(notes, ["another process is fetching this file; waiting for it"]);
    assert.ok(seen.length > 0 && seen.every((done) => done <= 200_003));
    assert.deepEqual(server.ranges, [""]);
    if (child.exitCode === null) await once(child, "exit");
    assert.equal(child.exitCode, 0);
  });

  test("one that waits goes on when the other is killed", async () => {
    server.turns.push({ slow: 20 });
    const child = start();
    await once(child.stdout!, "data");
    const waiting = fetchWeights(file);
    await killAfter(60_000, child);
    const { outcome, resumedFrom } = await waiting;
    assert.equal(outcome, "fetched");
    assert.ok(resumedFrom >= 60_000);
    assert.deepEqual(readFileSync(join(folder, "test_net.pth")), content);
  });
});

describe("a lock", () => {
  const path = join(base, "some.lock");

  test("is held by one at a time", async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      const lock = await lockFile(path);
      most = Math.max(most, ++inside);
      await pause(20);
      inside--;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 5 }, work));
    assert.equal(most, 1);
    assert.equal(existsSync(path), false);
  });

  test("of a living process elsewhere is respected, until half a minute without a sign of it", async () => {
    writeFileSync(path, JSON.stringify({ token: "x", pid: 1, host: "another machine" }));
    let looks = 0;
    const stop = new AbortController();
    const onWait = () => ++looks === 2 && stop.abort();
    await assert.rejects(lockFile(path, { signal: stop.signal, onWait }), { name: "AbortError" });
    const then = new Date(Date.now() - 31_000);
    utimesSync(path, then, then);
    const lock = await lockFile(path);
    await lock.release();
    assert.equal(existsSync(path), false);
  });

  test("without a word in it (its process died as it made it) is taken over in the end", async () => {
    writeFileSync(path, "");
    const then = new Date(Date.now() - 31_000);
    utimesSync(path, then, then);
    await (await lockFile(path)).release();
  });

  test("taken over by many at once goes to one", async () => {
    writeFileSync(path, JSON.stringify({ token: "x", pid: 1, host: "another machine" }));
    const then = new Date(Date.now() - 31_000);
    utimesSync(path, then, then);
    let inside = 0;
    let most = 0;
    const work = async () => {
      const lock = await lockFile(path);
      most = Math.max(most, ++inside);
      await pause(5);
      inside--;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 8 }, work));
    assert.equal(most, 1);
  });

  test("that another process took away is noticed", { timeout: 20_000 }, async () => {
    const lock = await lockFile(path);
    writeFileSync(path, JSON.stringify({ token: "y", pid: 1, host: "another machine" }));
    await once(lock.lost, "abort");
    await lock.release();
    assert.equal(existsSync(path), true, "the other one's lock stays");
    rmSync(path);
  });
});
