// @ts-check
import assert from "node:assert/strict";
import { chmodSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { askPython, findLibtorch, isAtLeast } from "../setup/libtorch.mjs";
import { SetupProblem } from "../setup/problem.mjs";
import { folderWith, write } from "./temporary.mjs";

/** Files of a libtorch as pip and the zip have them. @param {string} folder @param {string} version @param {boolean} [cuda] */
function libtorchFiles(folder, version, cuda = false) {
  return {
    [`${folder}/share/cmake/Torch/TorchConfig.cmake`]: "",
    [`${folder}/share/cmake/Torch/TorchConfigVersion.cmake`]: `set(PACKAGE_VERSION "${version}")`,
    [`${folder}/lib/libtorch_cpu.so`]: "",
    ...(cuda ? { [`${folder}/lib/libtorch_cuda.so`]: "" } : {}),
  };
}

/** The same as Debian's package lays it out. @param {string} version */
function debianFiles(version) {
  return {
    "sys/cmake/Torch/TorchConfig.cmake": "",
    "sys/cmake/Torch/TorchConfigVersion.cmake": `set(PACKAGE_VERSION "${version}")`,
    "sys/libtorch_cpu.so": "",
  };
}

test("LIBTORCH comes before Python's torch, and that before the system's", (t) => {
  const root = folderWith(t, {
    ...libtorchFiles("named", "2.7.1"),
    ...libtorchFiles("py/torch", "2.6.0", true),
    ...debianFiles("1.13.0"),
  });
  const machine = {
    python: { path: ["/py"], torch: join(root, "py/torch") },
    systemFolders: [join(root, "none"), join(root, "sys")],
  };

  const named = findLibtorch({ LIBTORCH: join(root, "named") }, machine).chosen;
  assert.deepEqual([named?.source, named?.version, named?.cuda], ["LIBTORCH", "2.7.1", false]);

  const python = findLibtorch({}, machine);
  assert.deepEqual([python.chosen?.source, python.chosen?.version, python.chosen?.cuda], ["python", "2.6.0", true]);
  assert.equal(python.chosen?.dir, join(root, "py/torch"));
  assert.ok(python.watched.includes("/py"), "what pip installs later is noticed");

  const system = findLibtorch({}, { ...machine, python: { path: [] } }).chosen;
  assert.deepEqual([system?.source, system?.version, system?.dir], ["system", "1.13.0", join(root, "sys")]);
  assert.equal(system?.lib, join(root, "sys"));
});

test("Debian's python3-torch, which stands on the system's libtorch, is the system's", (t) => {
  const root = folderWith(t, { ...debianFiles("1.13.0"), "dist-packages/torch/lib/x": "" });
  symlinkSync(join(root, "sys/libtorch_cpu.so"), join(root, "dist-packages/torch/lib/libtorch_cpu.so"));
  const python = { path: [], torch: join(root, "dist-packages/torch") };
  const { chosen, passedOver } = findLibtorch({}, { python, systemFolders: [join(root, "sys")] });
  assert.deepEqual([chosen?.source, passedOver], ["system", []]);
});

test("what is too old or cannot be built against is passed over, with the reason", (t) => {
  const root = folderWith(t, {
    ...libtorchFiles("old", "1.9.1"),
    ...debianFiles("1.8.1"),
    "bare/torch/lib/libtorch_cpu.so": "",
  });
  const systemFolders = [join(root, "sys")];
  const old = findLibtorch({}, { python: { path: [], torch: join(root, "old") }, systemFolders });
  assert.equal(old.chosen, undefined);
  assert.deepEqual(old.passedOver, [
    `${join(root, "old")} is libtorch 1.9.1; 1.13 or newer is needed`,
    `${join(root, "sys")} is libtorch 1.8.1; 1.13 or newer is needed`,
  ]);
  const bare = findLibtorch({}, { python: { path: [], torch: join(root, "bare/torch") }, systemFolders: [] });
  assert.deepEqual(bare.passedOver, [
    `Python's torch in ${join(root, "bare/torch")} has no CMake files to build against`,
  ]);
});

test("a LIBTORCH that is none, or is too old, is an error that names it", (t) => {
  const root = folderWith(t, libtorchFiles("old", "1.12.1"));
  assert.throws(
    () => findLibtorch({ LIBTORCH: "/nowhere" }),
    (error) => {
      assert.ok(error instanceof SetupProblem);
      assert.match(
        error.message,
        /^LIBTORCH=\/nowhere: expected a folder with share\/cmake\/Torch\/TorchConfig\.cmake/,
      );
      return true;
    },
  );
  assert.throws(
    () => findLibtorch({ LIBTORCH: join(root, "old") }),
    /found libtorch 1\.12\.1, expected 1\.13 or newer/,
  );
});

test("versions are compared number by number", () => {
  for (const version of ["1.13", "1.13.0a0", "1.13.1+dfsg-4", "2.0", "2.10.0+cpu", "10.0"])
    assert.equal(isAtLeast(version, "1.13"), true, version);
  for (const version of ["1.9.1", "1.12.9", "0.4", "unknown"]) assert.equal(isAtLeast(version, "1.13"), false, version);
});

test("python3 is asked where torch is, without importing it", (t) => {
  const root = folderWith(t, { "bin/python3": '#!/bin/sh\necho \'[["/a", "/b"], "/b/torch/__init__.py"]\'\n' });
  chmodSync(join(root, "bin/python3"), 0o755);
  assert.deepEqual(askPython({ PATH: `${join(root, "bin")}:${process.env.PATH}` }), {
    path: ["/a", "/b"],
    torch: "/b/torch",
  });
  write(root, "bin/python3", "#!/bin/sh\nexit 1\n");
  assert.deepEqual(askPython({ PATH: join(root, "bin") }), { path: [] });
  assert.deepEqual(askPython({ PATH: "/nowhere" }), { path: [] });
});
