// @ts-check
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { SetupProblem } from "./problem.mjs";
import { findProgram } from "./stamps.mjs";

/**
 * A libtorch that can be built against.
 * @typedef {object} Libtorch
 * @property {string} dir what `LIBTORCH` would be set to: the folder above `share/cmake/Torch` or `cmake/Torch`
 * @property {string} cmake folder of TorchConfig.cmake
 * @property {string} lib folder of the shared libraries
 * @property {string} version as in "2.6.0"
 * @property {"LIBTORCH" | "python" | "system"} source
 * @property {boolean} cuda whether it was built with CUDA
 *
 * @typedef {object} Search
 * @property {Libtorch} [chosen]
 * @property {string[]} passedOver what was found and not taken, and why
 * @property {string[]} watched paths whose change may change the answer
 */

export const oldestVersion = "1.13";

/**
 * Finds libtorch: the folder named by `LIBTORCH`, else an installed Python `torch`, else the system's package.
 * @param {NodeJS.ProcessEnv} env
 * @param {{ python?: PythonTorch, systemFolders?: string[] }} [machine] for tests; asked of the machine otherwise
 * @returns {Search}
 * @throws {SetupProblem} where `LIBTORCH` is set to something that is not a libtorch, or one too old
 */
export function findLibtorch(env, machine = {}) {
  if (env.LIBTORCH) return { chosen: namedFolder(env.LIBTORCH), passedOver: [], watched: [env.LIBTORCH] };

  const system = (machine.systemFolders ?? systemFolders())
    .map((folder) => readLibtorch(folder, "system"))
    .find(Boolean);
  const python = machine.python ?? askPython(env);
  const watched = [...python.path, ...(system === undefined ? [] : [system.cmake])];
  /** @type {string[]} */
  const passedOver = [];
  const fromPython = python.torch === undefined ? undefined : pythonLibtorch(python.torch, system, passedOver);
  for (const candidate of [fromPython, system]) {
    if (candidate === undefined) continue;
    if (isAtLeast(candidate.version, oldestVersion)) return { chosen: candidate, passedOver, watched };
    passedOver.push(`${candidate.dir} is libtorch ${candidate.version}; ${oldestVersion} or newer is needed`);
  }
  return { passedOver, watched };
}

/**
 * Reads what a folder holds; undefined where there is no libtorch with its CMake files in it.
 * @param {string} folder
 * @param {Libtorch["source"]} source
 * @returns {Libtorch | undefined}
 */
export function readLibtorch(folder, source) {
  const start = resolve(folder);
  const cmake = ["", "share/cmake/Torch", "cmake/Torch", "lib/cmake/Torch", "lib64/cmake/Torch"]
    .map((inner) => join(start, inner))
    .find((candidate) => existsSync(join(candidate, "TorchConfig.cmake")));
  if (cmake === undefined) return undefined;
  const above = dirname(dirname(cmake));
  const prefix = dirname(above);
  const lib = [above, join(prefix, "lib"), join(prefix, "lib64")].find(
    (candidate) => torchLibrary(candidate) !== undefined,
  );
  if (lib === undefined) return undefined;
  const versionFile = join(cmake, "TorchConfigVersion.cmake");
  const version = existsSync(versionFile)
    ? /PACKAGE_VERSION "([^"]+)"/.exec(readFileSync(versionFile, "utf8"))?.[1]
    : undefined;
  const cuda = readdirSync(lib).some((name) => /^libtorch_cuda\.(so|dylib)/.test(name));
  const dir = above.endsWith("share") ? prefix : above;
  return { dir, cmake, lib, version: version ?? "unknown", source, cuda };
}

/** @param {string} folder @returns {Libtorch} */
function namedFolder(folder) {
  const found = readLibtorch(folder, "LIBTORCH");
  if (found === undefined) {
    throw new SetupProblem(
      `LIBTORCH=${folder}: expected a folder with share/cmake/Torch/TorchConfig.cmake and lib/libtorch_cpu.so in it ` +
        "(an unpacked libtorch, or the folder of an installed Python torch). Correct it, or unset it to have libtorch looked for.",
    );
  }
  if (!isAtLeast(found.version, oldestVersion)) {
    throw new SetupProblem(`LIBTORCH=${folder}: found libtorch ${found.version}, expected ${oldestVersion} or newer.`);
  }
  return found;
}

/**
 * @param {string} folder of the installed Python package
 * @param {Libtorch | undefined} system
 * @param {string[]} passedOver
 */
function pythonLibtorch(folder, system, passedOver) {
  const found = readLibtorch(folder, "python");
  if (found !== undefined) return found;
  const own = torchLibrary(join(folder, "lib"));
  const systems = system === undefined ? undefined : torchLibrary(system.lib);
  // Debian's python3-torch stands on the system's libtorch: taking the system's is taking the same
  const isSystems = own === undefined || (systems !== undefined && realpathSync(own) === realpathSync(systems));
  if (!isSystems || system === undefined)
    passedOver.push(`Python's torch in ${folder} has no CMake files to build against`);
  return undefined;
}

/**
 * @typedef {{ path: string[], torch?: string }} PythonTorch  Python's search path, and the folder of its `torch`
 */

/**
 * Asks python3 where its `torch` is without importing it, which would take seconds.
 * @param {NodeJS.ProcessEnv} env
 * @returns {PythonTorch}
 */
export function askPython(env) {
  const python = findProgram("python3", env) ?? findProgram("python", env);
  if (python === undefined) return { path: [] };
  const question =
    "import importlib.util, json, sys\nspec = importlib.util.find_spec('torch')\n" +
    "print(json.dumps([[p for p in sys.path if p], spec and spec.origin]))";
  try {
    // from the root folder: a folder called torch in the current one would be taken for it
    const answer = execFileSync(python, ["-c", question], {
      cwd: "/",
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [path, origin] = JSON.parse(answer);
    return { path, torch: origin ? dirname(origin) : undefined };
  } catch {
    return { path: [] };
  }
}

/** Where systems put libtorch's CMake files: Debian, Fedora, a hand-made installation, Homebrew. */
export function systemFolders() {
  const triples = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((triple) => `/usr/lib/${triple}`);
  return [
    ...triples,
    "/usr/lib64",
    "/usr",
    "/usr/local",
    "/opt/libtorch",
    "/opt/homebrew",
    "/opt/homebrew/opt/pytorch",
  ];
}

/** @param {string} folder */
function torchLibrary(folder) {
  return ["libtorch_cpu.so", "libtorch_cpu.dylib"].map((name) => join(folder, name)).find((path) => existsSync(path));
}

/** Compares versions number by number: 1.13 is newer than 1.9. @param {string} version @param {string} least */
export function isAtLeast(version, least) {
  const numbers = (/** @type {string} */ text) => text.split(/[.+~a-z-]/).map((part) => Number.parseInt(part, 10) || 0);
  const found = numbers(version);
  for (const [place, wanted] of numbers(least).entries()) {
    const difference = (found[place] ?? 0) - wanted;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
