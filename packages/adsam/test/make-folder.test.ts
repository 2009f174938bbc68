import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { EmbeddingStore } from "../src/data/embeddings/store.js";
import { writeWhole } from "../src/data/files.js";
import { makeFolder } from "../src/data/make-folder.js";
import { RunFolder } from "../src/train/run-folder.js";
import { tinyDescription } from "./embed-fixtures.js";

const base = mkdtempSync(path.join(tmpdir(), "adsam-make-folder-"));
after(() => rmSync(base, { recursive: true }));

describe("a folder is made", () => {
  test("with those above it, and again without complaint", () => {
    const folder = path.join(base, "a", "b c", "d");
    makeFolder(folder);
    makeFolder(folder);
    assert.ok(existsSync(folder));
  });

  test("not below a file, nor in a file's place, nor behind a link to nowhere", () => {
    writeFileSync(path.join(base, "file"), "");
    symlinkSync(path.join(base, "nowhere"), path.join(base, "link"));
    assert.throws(() => makeFolder(path.join(base, "file", "x", "y")), { code: "ENOTDIR" });
    assert.throws(() => makeFolder(path.join(base, "file")), { code: "EEXIST" });
    assert.throws(() => makeFolder(path.join(base, "link", "x")), { code: "EEXIST" });
  });

  test("not where the system makes none, and that is told at once", { skip: !existsSync("/proc/self") }, () => {
    assert.throws(() => makeFolder("/proc/adsam/x/y"), { code: "ENOENT" });
  });
});

describe("a read-only disk", () => {
  const disk = path.join(base, "disk");
  mkdirSync(disk);
  const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", disk]);
  after(() => mount.status === 0 && spawnSync("umount", [disk]));

  test("is told as that", { skip: mount.status !== 0 && "no permission to mount a tmpfs" }, async () => {
    const below = path.join(disk, "x", "y");
    makeFolder(disk);
    assert.throws(() => makeFolder(below), { code: "EROFS" });
    const told = { name: "Problem", message: /: found a read-only disk\./ };
    assert.throws(() => RunFolder.claim(below), told);
    assert.throws(() => EmbeddingStore.open({ root: below, description: tinyDescription() }), told);
    await assert.rejects(writeWhole(path.join(below, "z"), "text"), told);
  });
});
