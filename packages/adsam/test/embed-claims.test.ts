import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, utimesSync, writeFileSync } from "node:fs";
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
