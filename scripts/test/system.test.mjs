// @ts-check
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { commandEnvironment, wantsWiderKernels } from "../setup/environment.mjs";
import { firstErrors } from "../setup/native.mjs";
import { installerPrefix, missingTools, whatToInstall } from "../setup/system.mjs";
import { folderWith } from "./temporary.mjs";

/** An environment whose PATH holds only these (empty) programs. @param {import("node:test").TestContext} t @param {string[]} names */
function only(t, ...names) {
  const root = folderWith(t, Object.fromEntries(names.map((name) => [`bin/${name}`, "#!/bin/sh\nexit 0\n"])));
  for (const name of names) chmodSync(join(root, "bin", name), 0o755);
  return { PATH: join(root, "bin") };
}

const debian = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n';
const mint = "ID=linuxmint\nID_LIKE=ubuntu\n";
const fedora = "ID=fedora\n";

test("tools that stand in PATH are not missing", (t) => {
  assert.deepEqual(missingTools(only(t)), ["compiler", "make", "cmake"]);
  assert.deepEqual(missingTools(only(t, "g++", "ninja", "cmake")), []);
  assert.deepEqual(missingTools({ ...only(t, "cmake", "make"), CXX: "/opt/clang" }), []);
});

test("it installs as root or with a sudo that asks nothing, on Debian and its kin, unless forbidden", (t) => {
  const env = only(t, "apt-get", "sudo");
  const user = { userId: 1000, sudoWorks: () => true };
  assert.deepEqual(installerPrefix(env, { osRelease: debian, userId: 0 }), []);
  assert.deepEqual(installerPrefix(env, { osRelease: mint, ...user }), ["sudo", "-n"]);
  assert.equal(installerPrefix(env, { osRelease: debian, userId: 1000, sudoWorks: () => false }), undefined);
  assert.equal(installerPrefix(only(t, "apt-get"), { osRelease: debian, ...user }), undefined, "no sudo");
  assert.equal(installerPrefix(env, { osRelease: fedora, userId: 0 }), undefined, "not a Debian");
  assert.equal(installerPrefix({ ...env, ADSAM_NO_INSTALL: "1" }, { osRelease: debian, userId: 0 }), undefined);
});

test("where nothing may be installed, the message holds the commands for every system, and only for what is missing", () => {
  const all = whatToInstall(["libtorch", "compiler", "make", "cmake"], ["/x is libtorch 1.8; 1.13 or newer is needed"]);
  for (const command of [
    "sudo apt-get install --no-install-recommends libtorch-dev libopenblas0-openmp g++ make cmake",
    "sudo dnf install gcc-c++ make cmake",
    "xcode-select --install",
    "brew install cmake",
    "pip install torch",
    "/x is libtorch 1.8",
    "LIBTORCH",
  ]) {
    assert.ok(all.includes(command), `${command}\nnot in\n${all}`);
  }
  const cmake = whatToInstall(["cmake"]);
  assert.match(cmake, /apt-get install --no-install-recommends cmake$/m);
  assert.doesNotMatch(cmake, /libtorch|pip|xcode/);
});

test("the environment: huge pages and wide kernels where they help, the user's own settings kept", () => {
  const zen5 =
    "vendor_id\t: AuthenticAMD\ncpu family\t: 26\nflags\t\t: fpu avx2 avx512f avx512dq avx512cd avx512bw avx512vl\n";
  const both = { cpuInfo: zen5, hugePages: true };
  const arenas = "glibc.malloc.arena_max=2";
  assert.deepEqual(commandEnvironment({}, both), [
    `GLIBC_TUNABLES=glibc.malloc.hugetlb=1:${arenas}`,
    "OPENBLAS_CORETYPE=SkylakeX",
  ]);
  assert.deepEqual(
    commandEnvironment({ GLIBC_TUNABLES: "a=b" }, both)[0],
    `GLIBC_TUNABLES=a=b:glibc.malloc.hugetlb=1:${arenas}`,
  );
  const own = { GLIBC_TUNABLES: "glibc.malloc.hugetlb=0:glibc.malloc.arena_max=8", OPENBLAS_CORETYPE: "Haswell" };
  assert.deepEqual(commandEnvironment(own, both), []);
  assert.deepEqual(commandEnvironment({}, { cpuInfo: "", hugePages: false }), [`GLIBC_TUNABLES=${arenas}`]);
  assert.equal(wantsWiderKernels(zen5.replace("avx512vl", "")), false);
  assert.equal(wantsWiderKernels(zen5.replace(": 26", ": 25")), false, "Zen 4 is recognised");
  assert.equal(wantsWiderKernels(zen5.replace("AuthenticAMD", "GenuineIntel")), false);
});

test("a failed build shows the first error, not the last line", () => {
  const log = [
    "[ 1%] Building",
    "a.cpp:3:1: error: no such thing",
    ...Array.from({ length: 40 }, (_, i) => `make[${i}]`),
  ];
  assert.deepEqual(firstErrors(log).slice(0, 2), ["a.cpp:3:1: error: no such thing", "make[0]"]);
  assert.equal(firstErrors(log).length, 20);
  assert.deepEqual(firstErrors(["killed"]), ["killed"]);
});
