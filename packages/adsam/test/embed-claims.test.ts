import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { Claims } from "../src/data/embeddings/claims.js";
import { ownMark } from "../src/process-mark.js";
import { folderForTests } from "./train-fixtures.js";

const root = folderForTests("embed-claims");
let folders = 0;
const freshFolder = (): string => path.join(root, String(folders++));
const visible = (folder: string): string[] => readdirSync(folder).filter((name) => !name.startsWith("."));

describe("claims", () => {
  test("one holder at a time, and none once released", () => {
    const folder = freshFolder();
    const [one, two] = [new Claims(folder), new Claims(folder)];
    const claim = one.take("a");
    assert.ok(claim);
    assert.deepEqual([one.take("a"), two.take("a")], [undefined, undefined]);
    assert.ok(two.take("b"));
    claim.release();
    claim.release();
    assert.ok(two.take("a"));
    assert.equal(one.take("a"), undefined);
    claim.release(); // not ours any more
    assert.equal(one.take("a"), undefined);
    two.close();
    assert.ok(one.take("a") && one.take("b"));
    one.close();
    assert.deepEqual(readdirSync(folder), []);
  });

  test("of a process that was killed: free at once", async () => {
    const folder = freshFolder();
    const url = new URL("../src/data/embeddings/claims.js", import.meta.url).href;
    const script = `import { Claims } from ${JSON.stringify(url)};
      const claims = new Claims(${JSON.stringify(folder)});
      claims.take("a"); claims.take("b"); process.kill(process.pid, "SIGKILL");`;
    assert.equal(spawnSync(process.execPath, ["--input-type=module", "-e", script]).signal, "SIGKILL");
    assert.deepEqual(visible(folder), ["a", "b"]);
    const [one, two] = [new Claims(folder), new Claims(folder)];
    assert.ok(one.take("a"));
    assert.equal(two.take("a"), undefined);
    assert.ok(two.take("b"));
    one.close();
    two.close();
    assert.deepEqual(readdirSync(folder), [], "what the dead left is cleared away");
  });

  test("of another machine: held until it was not renewed for a quarter of an hour", async () => {
    const folder = freshFolder();
    await mkdir(folder);
    const elsewhere = JSON.stringify({ ...ownMark(), pid: 1, host: `${hostname()}-2`, token: "t" });
    writeFileSync(path.join(folder, "a"), elsewhere);
    const claims = new Claims(folder);
    assert.equal(claims.take("a"), undefined);
    const old = new Date(Date.now() - 16 * 60_000);
    utimesSync(path.join(folder, "a"), old, old);
    assert.ok(claims.take("a"));
    claims.close();
  });

  test("taken over while this process was not heard of: told, and left to the other, its times too", async () => {
    const folder = freshFolder();
    const claims = new Claims(folder);
    const [lost, gone, kept] = ["lost", "gone", "kept"].map((name) => claims.take(name)!);
    const other = { ...ownMark(), pid: 7, host: `${hostname()}-2`, token: "t" };
    rmSync(path.join(folder, "lost"));
    writeFileSync(path.join(folder, "lost"), JSON.stringify(other));
    rmSync(path.join(folder, "gone"));
    const old = new Date(Date.now() - 60_000);
    for (const name of ["lost", "kept"]) utimesSync(path.join(folder, name), old, old);
    claims.renew();
    assert.deepEqual(
      [lost, gone, kept].map((claim) => claim!.lost.aborted),
      [true, true, false],
    );
    assert.deepEqual([lost!.lost.reason.pid, gone!.lost.reason], [7, null]);
    assert.deepEqual([lost!.renew(), gone!.renew(), kept!.renew()], [false, false, true]);
    const age = (name: string) => Date.now() - statSync(path.join(folder, name)).mtimeMs;
    assert.ok(age("lost") > 50_000 && age("kept") < 50_000);
    for (const claim of [lost, gone, kept]) claim!.release();
    claims.close();
    assert.deepEqual(readdirSync(folder), ["lost"]);
    assert.deepEqual(JSON.parse(readFileSync(path.join(folder, "lost"), "utf8")), other);
  });

  test("released before anyone has looked, what is another's by now is left to it", async () => {
    const folder = freshFolder();
    const claims = new Claims(folder);
    const claim = claims.take("a")!;
    rmSync(path.join(folder, "a"));
    writeFileSync(path.join(folder, "a"), JSON.stringify({ ...ownMark(), host: `${hostname()}-2`, token: "t" }));
    claim.release();
    assert.deepEqual(visible(folder), ["a"]);
    claims.close();
  });

  test("a process whose own file was cleared away writes it anew", () => {
    const folder = freshFolder();
    const claims = new Claims(folder);
    assert.ok(claims.take("a"));
    const own = () => readdirSync(folder).filter((name) => name.startsWith("."));
    const before = own();
    for (const again of [() => claims.take("b"), () => claims.renew()]) {
      rmSync(path.join(folder, before[0]!));
      again();
      assert.deepEqual(own(), before);
    }
    assert.deepEqual(visible(folder), ["a", "b"]);
    claims.close();
  });

  test("a number that another process has by now is not the one that claimed", async () => {
    const folder = freshFolder();
    await mkdir(folder);
    const reused = JSON.stringify({ ...ownMark(), started: "1", token: "t" });
    writeFileSync(path.join(folder, "a"), reused);
    const claims = new Claims(folder);
    assert.ok(claims.take("a"));
    claims.close();
  });

  test("where nothing can be written: one sentence", () => {
    const folder = freshFolder();
    writeFileSync(folder, "a file");
    assert.throws(() => new Claims(folder).take("a"), {
      name: "Problem",
      message: /cannot be written: found a file where/,
    });
    const claims = new Claims(freshFolder());
    assert.throws(() => claims.take("no folder/a"), { name: "Problem", message: /cannot be written: found no such/ });
    claims.close();
  });

  test("nonsense lapses like another machine's", async () => {
    const folder = freshFolder();
    await mkdir(folder);
    for (const [i, text] of ["", "{", "null", "{}"].entries()) {
      writeFileSync(path.join(folder, `a${i}`), text);
      const claims = new Claims(folder);
      assert.equal(claims.take(`a${i}`), undefined);
      const old = new Date(Date.now() - 16 * 60_000);
      utimesSync(path.join(folder, `a${i}`), old, old);
      assert.ok(claims.take(`a${i}`));
      claims.close();
    }
  });
});
