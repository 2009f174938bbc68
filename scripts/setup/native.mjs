// @ts-check
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { availableParallelism, freemem } from "node:os";
import { join, relative } from "node:path";
import { findLibtorch } from "./libtorch.mjs";
import { indent } from "./packages.mjs";
import { SetupProblem } from "./problem.mjs";
import { run } from "./run.mjs";
import { startStep } from "./say.mjs";
import { findProgram, nativeSignature, nativeSources, readCurrentBuild, writeStamps, writeWhole } from "./stamps.mjs";
import { missingTools, provide } from "./system.mjs";

/**
 * Builds the addon and the kernels for the libtorch at hand, unless this very source was built already.
 *
 * `build/native/work-…` is CMake's folder, one for each libtorch and compiler, so that a changed file recompiles alone;
 * `build/native/<hash>` holds the finished libraries of one source hash, and `build/native/current.json` says which one is in use.
 * @param {string} root
 */
export async function buildNative(root) {
  const env = process.env;
  const search = await findWhatIsNeeded(root);
  const libtorch = /** @type {import("./libtorch.mjs").Libtorch} */ (search.chosen);
  const toolchain = toolchainFacts(root, libtorch, env);
  const signature = nativeSignature(root, env, search.watched); // before hashing: a source changed meanwhile is looked at again
  const hash = hashSources(root, toolchain);
  const folder = join(root, "build", "native", hash);
  mkdirSync(folder, { recursive: true });

  const libraries = {
    addon: join(folder, "adsam_torch.node"),
    kernels: join(folder, kernelsName),
    pictures: join(folder, "adsam_pictures.node"),
  };
  if (!Object.values(libraries).every((path) => existsSync(path))) {
    const work = join(
      root,
      "build",
      "native",
      `work-${createHash("sha256").update(toolchain.join("\n")).digest("hex").slice(0, 8)}`,
    );
    await compile({ root, work, log: join(folder, "build.log"), libtorch });
    for (const path of Object.values(libraries)) publish(join(work, path.slice(folder.length + 1)), path);
  }
  const { dir, version, source, cuda } = libtorch;
  const current = { hash, ...libraries, libtorch: { dir, version, source, cuda } };
  writeWhole(join(root, "build", "native", "current.json"), `${JSON.stringify(current, null, 2)}\n`);
  writeStamps(root, { native: signature, watched: search.watched });
  removeOldBuilds(join(root, "build", "native"));
}

const kernelsName = process.platform === "darwin" ? "libadsam_kernels.dylib" : "libadsam_kernels.so";

/** Tools and libtorch, installed if they are missing and may be. @param {string} root */
async function findWhatIsNeeded(root) {
  const search = findLibtorch(process.env);
  const needs = missingTools(process.env);
  if (search.chosen === undefined) needs.unshift("libtorch");
  if (needs.length === 0) return search;
  await provide(needs, { root, env: process.env, passedOver: search.passedOver });
  const again = findLibtorch(process.env);
  if (again.chosen === undefined || missingTools(process.env).length > 0) {
    throw new SetupProblem(
      `the packages were installed, yet ${again.chosen === undefined ? "libtorch" : missingTools(process.env).join(", ")} is still not found. ` +
        "./adsam doctor shows what is there.",
    );
  }
  return again;
}

/**
 * What beside the sources decides the outcome, as lines.
 * @param {string} root
 * @param {import("./libtorch.mjs").Libtorch} libtorch
 * @param {NodeJS.ProcessEnv} env
 */
export function toolchainFacts(root, libtorch, env) {
  const library = join(libtorch.lib, process.platform === "darwin" ? "libtorch_cpu.dylib" : "libtorch_cpu.so");
  const { size = 0, mtimeMs = 0 } = statSync(library, { throwIfNoEntry: false }) ?? {};
  const compiler = env.CXX ?? findProgram("c++", env) ?? findProgram("g++", env) ?? findProgram("clang++", env) ?? "";
  const headers = ["node-addon-api", "node-api-headers"].map((name) => `${name} ${packageVersion(root, name)}`);
  return [
    `libtorch ${libtorch.version} ${libtorch.cmake} ${size} ${mtimeMs}`,
    `node ${process.versions.modules} ${process.platform} ${process.arch}`,
    `compiler ${existsSync(compiler) ? realpathSync(compiler) : compiler} ${env.CXXFLAGS ?? ""}`,
    `cuda ${env.CUDACXX ?? findProgram("nvcc", env) ?? ""}`,
    ...headers,
  ];
}

/**
 * Hash of the native sources' paths and contents and the toolchain, 16 hexadecimal digits.
 * @param {string} root
 * @param {string[]} toolchain
 */
export function hashSources(root, toolchain) {
  const hash = createHash("sha256").update(toolchain.join("\n"));
  for (const path of nativeSources(root)) {
    if (!existsSync(path)) continue;
    const text = readFileSync(path);
    hash.update(`\n${relative(root, path)} ${text.length}\n`).update(text);
  }
  return hash.digest("hex").slice(0, 16);
}

/** @param {{ root: string, work: string, log: string, libtorch: import("./libtorch.mjs").Libtorch }} build */
async function compile({ root, work, log, libtorch }) {
  rmSync(log, { force: true });
  const step = startStep(`building the native part against libtorch ${libtorch.version} in ${libtorch.dir}`);
  const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / 1.5e9))); // a file takes up to 1.5 GB
  const configure = ["cmake", "-S", root, "-B", work, "-DCMAKE_BUILD_TYPE=Release", `-DTorch_DIR=${libtorch.cmake}`];
  const steps = [
    [...configure, `-DCMAKE_PREFIX_PATH=${libtorch.dir}`],
    ["cmake", "--build", work, "-j", String(jobs)],
  ];
  for (const words of steps) {
    const onLine = (/** @type {string} */ line) => {
      const progress = /^\[ *(\d+)%\] \w+ (.*)/.exec(line);
      if (progress !== null) step.update(`${progress[1]} % ${progress[2]}`);
    };
    const { code, lines } = await run(words, { cwd: root, log, onLine });
    if (code === 0) continue;
    step.failed();
    // what a failed configuration remembers may be why it failed
    if (words === steps[0]) rmSync(join(work, "CMakeCache.txt"), { force: true });
    const another =
      libtorch.source === "python"
        ? "\nTo build against another libtorch than Python's, set LIBTORCH to its folder."
        : "";
    throw new SetupProblem(
      `the native part could not be built; the whole log: ${log}\n${indent(firstErrors(lines))}${another}`,
    );
  }
  step.done();
}

/** What a person reads first in a failed build: from the first error on, else the end. @param {string[]} lines */
export function firstErrors(lines) {
  const first = lines.findIndex((line) => /\berror\b|CMake Error|undefined reference/i.test(line));
  return first < 0 ? lines.slice(-20) : lines.slice(first, first + 20);
}

/** @param {string} from @param {string} to a library in the folder of its hash; appears there whole or not at all */
function publish(from, to) {
  if (!existsSync(from))
    throw new SetupProblem(`the build ended well, yet there is no ${from}: CMakeLists.txt is expected to make it`);
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}

/** Keeps the two newest builds and the two newest CMake folders. @param {string} native the folder build/native */
export function removeOldBuilds(native) {
  const age = (/** @type {string} */ name) => statSync(join(native, name)).mtimeMs;
  const inUse = readCurrentBuild(join(native, "..", ".."))?.hash;
  const names = readdirSync(native).filter((name) => statSync(join(native, name)).isDirectory() && name !== inUse);
  const newestFirst = names.sort((a, b) => age(b) - age(a));
  const builds = newestFirst.filter((name) => /^[0-9a-f]{16}$/.test(name));
  const works = newestFirst.filter((name) => /^work-[0-9a-f]{8}$/.test(name));
  for (const name of [...builds.slice(1), ...works.slice(2)])
    rmSync(join(native, name), { recursive: true, force: true });
}

/** @param {string} root @param {string} name */
function packageVersion(root, name) {
  const path = join(root, "node_modules", name, "package.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).version : "absent";
}
