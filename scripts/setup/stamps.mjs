// @ts-check
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/**
 * The quick answer to "is everything set up?": each step keeps a signature of its inputs (paths, sizes, times of change),
 * and is stale when the signature or one of its outputs has gone. Reading contents and hashing them is the slow path's job.
 *
 * @typedef {"npm" | "native" | "types"} Step
 * @typedef {{ npm?: string, native?: string, types?: string, watched?: string[] }} Stamps
 *   `watched`: paths outside the repository whose change may bring another libtorch (Python's search path, libtorch itself)
 */

/** @param {string} root @returns {Stamps} */
export function readStamps(root) {
  try {
    return JSON.parse(readFileSync(join(root, "build", "stamps.json"), "utf8"));
  } catch {
    return {};
  }
}

/** @param {string} root @param {Stamps} stamps changed entries; the others are kept */
export function writeStamps(root, stamps) {
  writeWhole(join(root, "build", "stamps.json"), `${JSON.stringify({ ...readStamps(root), ...stamps }, null, 1)}\n`);
}

/**
 * Which steps need the slow path.
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @returns {Step[]}
 */
export function whatIsStale(root, env) {
  const stamps = readStamps(root);
  /** @type {Step[]} */
  const stale = [];
  if (stamps.npm !== npmSignature(root) || !existsSync(join(root, "node_modules", ".package-lock.json")))
    stale.push("npm");
  const built = readCurrentBuild(root);
  const isBuilt = built !== undefined && [built.addon, built.kernels, built.pictures].every((path) => existsSync(path));
  if (!isBuilt || stamps.native !== nativeSignature(root, env, stamps.watched ?? [])) stale.push("native");
  if (stamps.types !== typesSignature(root) || !typescriptFolders(root).every(hasOutput)) stale.push("types");
  return stale;
}

/** @param {string} root */
export function npmSignature(root) {
  return signature([join(root, "package-lock.json")]);
}

/**
 * @param {string} root
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} watched
 */
export function nativeSignature(root, env, watched) {
  const settings = ["LIBTORCH", "CXX", "CXXFLAGS", "CUDACXX"].map((name) => `${name}=${env[name] ?? ""}`);
  const programs = ["python3", "nvcc"].map((name) => findProgram(name, env) ?? "");
  const facts = [...settings, ...programs, process.versions.modules, process.arch];
  return signature([...nativeSources(root), ...watched], facts);
}

/** @param {string} root */
export function typesSignature(root) {
  const files = typescriptFolders(root).flatMap((folder) => [
    ...sourcesIn(folder),
    join(folder, "tsconfig.json"),
    join(folder, "package.json"),
  ]);
  const inputs = files.filter((path) => path.endsWith(".ts") || path.endsWith(".tsx") || path.endsWith(".json"));
  return signature([...inputs, join(root, "tsconfig.json"), join(root, "tsconfig.base.json")]);
}

/** Everything the native part is built from. @param {string} root */
export function nativeSources(root) {
  const folders = [join(root, "cmake"), ...packageFolders(root).map((folder) => join(folder, "native"))];
  return [join(root, "CMakeLists.txt"), ...folders.flatMap((folder) => filesUnder(folder))];
}

/** Folders of the packages, all written in TypeScript. @param {string} root */
export function packageFolders(root) {
  const packages = join(root, "packages");
  if (!existsSync(packages)) return [];
  const names = readdirSync(packages).sort();
  return names.map((name) => join(packages, name)).filter((folder) => existsSync(join(folder, "tsconfig.json")));
}

/** The packages, and what is compiled beside them. @param {string} root */
export function typescriptFolders(root) {
  const others = ["examples", "bench"].map((name) => join(root, name));
  return [...packageFolders(root), ...others.filter((folder) => existsSync(join(folder, "tsconfig.json")))];
}

/** TypeScript's sources: below src and test, and beside them where a folder has no src. @param {string} folder */
function sourcesIn(folder) {
  const below = ["src", "test"].flatMap((part) => filesUnder(join(folder, part)));
  const beside = readdirSync(folder).filter((name) => name.endsWith(".ts"));
  return [...below, ...beside.map((name) => join(folder, name))];
}

/**
 * What the native addon's loader reads.
 * @typedef {object} Build
 * @property {string} hash
 * @property {string} addon absolute path of adsam_torch.node
 * @property {string} kernels absolute path of libadsam_kernels.so
 * @property {string} pictures absolute path of adsam_pictures.node
 * @property {{ dir: string, version: string, source: "LIBTORCH" | "python" | "system", cuda: boolean }} libtorch
 */

/** @param {string} root @returns {Build | undefined} */
export function readCurrentBuild(root) {
  try {
    return JSON.parse(readFileSync(join(root, "build", "native", "current.json"), "utf8"));
  } catch {
    return undefined;
  }
}

/** All files below a folder, sorted, hidden ones left out. @param {string} folder @returns {string[]} */
export function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => !entry.name.startsWith("."));
  return entries
    .flatMap((entry) => (entry.isDirectory() ? filesUnder(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort();
}

/** First executable of that name in PATH. @param {string} name @param {NodeJS.ProcessEnv} env */
export function findProgram(name, env) {
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Writes a file so that a reader sees the old text or the new, never half of it. @param {string} path @param {string} text */
export function writeWhole(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/** @param {string} folder of a package */
function hasOutput(folder) {
  return existsSync(join(folder, "dist", "tsconfig.tsbuildinfo"));
}

/** @param {string[]} paths @param {string[]} [facts] */
function signature(paths, facts = []) {
  const hash = createHash("sha256");
  for (const fact of facts) hash.update(`${fact}\n`);
  for (const path of paths) {
    const stat = statSync(path, { throwIfNoEntry: false });
    hash.update(stat === undefined ? `${path} absent\n` : `${path} ${stat.size} ${stat.mtimeMs}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}
