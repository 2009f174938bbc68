// @ts-check
import assert from "node:assert/strict";
import { readdirSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { removeOrphans } from "../setup/compile.mjs";
import { hashSources, removeOldBuilds } from "../setup/native.mjs";
import { isInstalled } from "../setup/packages.mjs";
import { nativeSignature, npmSignature, typesSignature, whatIsStale, writeStamps } from "../setup/stamps.mjs";
import { folderWith, write } from "./temporary.mjs";

const env = { PATH: "/nowhere" };

/** A repository that is wholly set up. @param {import("node:test").TestContext} t */
function repository(t) {
  const root = folderWith(t, {
    "package-lock.json": "{}",
    "node_modules/.package-lock.json": "{}",
    "CMakeLists.txt": "project(x)",
    "tsconfig.json": "{}",
    "packages/one/tsconfig.json": "{}",
    "packages/one/package.json": "{}",
    "packages/one/src/index.ts": "export {};",
    "packages/one/native/a.cpp": "int a;",
    "packages/one/dist/tsconfig.tsbuildinfo": "{}",
    "examples/tsconfig.json": "{}",
    "examples/begin.ts": "export {};",
    "examples/dist/tsconfig.tsbuildinfo": "{}",
    "build/native/h/a.node": "",
    "build/native/h/k.so": "",
    "build/native/h/p.node": "",
  });
  const folder = join(root, "build", "native", "h");
  write(
    root,
    "build/native/current.json",
    JSON.stringify({
      hash: "h",
      addon: join(folder, "a.node"),
      kernels: join(folder, "k.so"),
      pictures: join(folder, "p.node"),
    }),
  );
  const watched = [join(root, "elsewhere")];
  writeStamps(root, {
    npm: npmSignature(root),
    types: typesSignature(root),
    native: nativeSignature(root, env, watched),
    watched,
  });
  return root;
}

test("a repository that is set up has nothing to do", (t) => {
  assert.deepEqual(whatIsStale(repository(t), env), []);
});

/** @type {[string, string[], (root: string) => void][]} */
const changes = [
  ["another lock file", ["npm"], (root) => write(root, "package-lock.json", '{"a":1}')],
  ["no node_modules", ["npm"], (root) => rmSync(join(root, "node_modules"), { recursive: true })],
  ["a changed C++ source", ["native"], (root) => write(root, "packages/one/native/a.cpp", "int aa;")],
  ["a new C++ source", ["native"], (root) => write(root, "packages/one/native/deep/b.h", "")],
  ["a removed library", ["native"], (root) => rmSync(join(root, "build/native/h/k.so"))],
  ["another libtorch in Python", ["native"], (root) => write(root, "elsewhere", "")],
  ["a changed TypeScript source", ["types"], (root) => write(root, "packages/one/src/index.ts", "export const a = 1;")],
  ["a changed example", ["types"], (root) => write(root, "examples/begin.ts", "export const a = 1;")],
  ["a removed TypeScript source", ["types"], (root) => rmSync(join(root, "packages/one/src/index.ts"))],
  ["an older source checked out", ["types"], (root) => utimesSync(join(root, "packages/one/src/index.ts"), 1000, 1000)],
  ["a removed dist", ["types"], (root) => rmSync(join(root, "packages/one/dist"), { recursive: true })],
  ["nothing left of build", ["npm", "native", "types"], (root) => rmSync(join(root, "build"), { recursive: true })],
];
for (const [name, stale, change] of changes) {
  test(`${name}: ${stale.join(", ")} to be done again`, (t) => {
    const root = repository(t);
    change(root);
    assert.deepEqual(whatIsStale(root, env), stale);
  });
}

test("LIBTORCH set to another folder asks for another build", (t) => {
  assert.deepEqual(whatIsStale(repository(t), { ...env, LIBTORCH: "/opt/libtorch" }), ["native"]);
});

test("the source hash follows contents, names and toolchain, not times", (t) => {
  const root = repository(t);
  const before = hashSources(root, ["libtorch 2.6.0"]);
  assert.match(before, /^[0-9a-f]{16}$/);
  utimesSync(join(root, "packages/one/native/a.cpp"), 1000, 1000);
  assert.equal(hashSources(root, ["libtorch 2.6.0"]), before);
  assert.notEqual(hashSources(root, ["libtorch 1.13.0"]), before);
  write(root, "packages/one/native/a.cpp", "int b;");
  const changed = hashSources(root, ["libtorch 2.6.0"]);
  assert.notEqual(changed, before);
  write(root, "packages/one/native/b.cpp", "");
  assert.notEqual(hashSources(root, ["libtorch 2.6.0"]), changed);
});

test("outputs whose source is gone are removed, others and foreign files stay", (t) => {
  const folder = folderWith(t, {
    "src/a.ts": "",
    "test/b.test.ts": "",
    "dist/src/a.js": "",
    "dist/src/a.d.ts": "",
    "dist/src/a.js.map": "",
    "dist/test/b.test.js": "",
    "dist/test/gone.test.js": "",
    "dist/test/gone.test.d.ts.map": "",
    "dist/test/numbers.json": "",
  });
  const removed = removeOrphans(folder).map((path) => path.slice(folder.length + 1));
  assert.deepEqual(removed.sort(), ["dist/test/gone.test.d.ts.map", "dist/test/gone.test.js"]);
  assert.deepEqual(readdirSync(join(folder, "dist/test")).sort(), ["b.test.js", "numbers.json"]);
});

test("the build in use and the newest other one are kept", (t) => {
  const [old, older, used] = ["1".repeat(16), "2".repeat(16), "3".repeat(16)];
  const root = folderWith(t, { "build/native/current.json": JSON.stringify({ hash: used }) });
  for (const [name, time] of /** @type {[string, number][]} */ ([
    [used, 1000],
    [older, 2000],
    [old, 3000],
    ["dev", 500],
  ])) {
    write(root, `build/native/${name}/x`, "");
    utimesSync(join(root, "build/native", name), time, time);
  }
  removeOldBuilds(join(root, "build", "native"));
  assert.deepEqual(readdirSync(join(root, "build", "native")).sort(), [old, used, "current.json", "dev"]);
});

test("installed packages are compared with the lock file one by one", (t) => {
  const lock = {
    packages: {
      "": {},
      "packages/one": {},
      "node_modules/a": { version: "1.0.0" },
      "node_modules/mac": { version: "1.0.0", optional: true },
    },
  };
  const present = (/** @type {object} */ packages) => JSON.stringify({ packages });
  const root = folderWith(t, { "package-lock.json": JSON.stringify(lock), "node_modules/a/package.json": "{}" });
  assert.equal(isInstalled(root), false, "nothing recorded");
  write(root, "node_modules/.package-lock.json", present({ "node_modules/a": { version: "1.0.0" } }));
  assert.equal(isInstalled(root), true, "an optional package of another system is missing");
  write(root, "node_modules/.package-lock.json", present({ "node_modules/a": { version: "0.9.0" } }));
  assert.equal(isInstalled(root), false, "another version");
  write(
    root,
    "node_modules/.package-lock.json",
    present({ "node_modules/a": { version: "1.0.0" }, "node_modules/b": {} }),
  );
  assert.equal(isInstalled(root), false, "one too many");
  write(root, "node_modules/.package-lock.json", present({ "node_modules/a": { version: "1.0.0" } }));
  rmSync(join(root, "node_modules/a"), { recursive: true });
  assert.equal(isInstalled(root), false, "recorded, but its folder is gone");
});
