import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeAtomically } from "../src/io/atomic-file.js";
import { FileSource } from "../src/io/byte-source.js";
import { Problem } from "../src/problem.js";
import { temporaryFolder } from "./io-helpers.js";

const bytes = (text: string) => Buffer.from(text);

test("a file is written, then replaced, and nothing is left beside it", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "last.pth");
  for (const content of ["first", "second, longer", ""]) {
    writeAtomically(path, content.length, (sink) => sink.write(bytes(content)));
    assert.equal(readFileSync(path, "utf8"), content);
  }
  assert.deepEqual(readdirSync(folder), ["last.pth"]);
});

test("while it is written, the old file is there, whole", (t) => {
  const path = join(temporaryFolder(t), "last.pth");
  writeFileSync(path, "old");
  writeAtomically(path, 3, (sink) => {
    sink.write(bytes("n"));
    assert.equal(readFileSync(path, "utf8"), "old");
    sink.write(bytes("ew"));
    sink.patch(0, bytes("N"));
  });
  assert.equal(readFileSync(path, "utf8"), "New");
});

test("after an error the old file is unchanged and the temporary one gone", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "last.pth");
  writeFileSync(path, "old");
  const defect = new RangeError("in the middle");
  const write = () =>
    writeAtomically(path, 3, (sink) => {
      sink.write(bytes("ne"));
      throw defect;
    });
  assert.throws(write, defect);
  assert.equal(readFileSync(path, "utf8"), "old");
  assert.deepEqual(readdirSync(folder), ["last.pth"]);
});

test("a full disk: bytes needed, bytes free, the old file whole", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "last.pth");
  writeFileSync(path, "old");
  const full = () => {
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  };
  assert.throws(
    () => writeAtomically(path, 123456789, full),
    (error) =>
      error instanceof Problem &&
      /^writing ".*last\.pth": found \d+ bytes free on its disk, expected 123456789 bytes\. /.test(error.message),
  );
  assert.equal(readFileSync(path, "utf8"), "old");
  assert.deepEqual(readdirSync(folder), ["last.pth"]);
});

test("a real full disk", (t) => {
  const folder = temporaryFolder(t);
  const disk = join(folder, "disk");
  mkdirSync(disk);
  const mount = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
  if (mount.status !== 0) return t.skip("may not mount a small disk here");
  try {
    const path = join(disk, "last.pth");
    writeAtomically(path, 3, (sink) => sink.write(bytes("old")));
    assert.throws(
      () => writeAtomically(path, 1 << 20, (sink) => sink.write(Buffer.alloc(1 << 20))),
      /found 6\d{4} bytes free on its disk, expected 1048576/,
    );
    assert.equal(readFileSync(path, "utf8"), "old");
    assert.deepEqual(readdirSync(disk), ["last.pth"]);
  } finally {
    spawnSync("umount", [disk]);
  }
});

test("a link stays a link, and the file's permissions stay", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "real.pth");
  writeFileSync(path, "old");
  chmodSync(path, 0o600);
  symlinkSync("real.pth", join(folder, "last.pth"));
  writeAtomically(join(folder, "last.pth"), 3, (sink) => sink.write(bytes("new")));
  assert.equal(readFileSync(path, "utf8"), "new");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder).sort(), ["last.pth", "real.pth"]);
});

test("no folder, a folder in its place, and reading what is not there", (t) => {
  const folder = temporaryFolder(t);
  const write = (path: string) => writeAtomically(path, 0, () => {});
  assert.throws(() => write(join(folder, "missing", "a.pth")), /found no folder ".*missing"\. Make the folder first/);
  mkdirSync(join(folder, "a.pth"));
  assert.throws(() => write(join(folder, "a.pth")), /a folder of that name, expected a file/);
  assert.throws(() => new FileSource(join(folder, "b.pth")), /checkpoint ".*b\.pth": found no such file/);
  assert.throws(() => new FileSource(join(folder, "a.pth")), /found a folder, expected a \.safetensors/);
});
