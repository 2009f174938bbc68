// @ts-check
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SetupProblem } from "./problem.mjs";
import { run } from "./run.mjs";
import { startStep } from "./say.mjs";
import { findProgram } from "./stamps.mjs";

/** Brings node_modules to what package-lock.json says; does nothing where it is so already. @param {string} root */
export async function installPackages(root) {
  if (isInstalled(root)) return;
  const npm = findNpm(process.env);
  if (npm === undefined) {
    throw new SetupProblem(
      `npm was not found beside ${process.execPath} nor in PATH; the JavaScript packages come through it.\n` +
        "  Debian, Ubuntu:  sudo apt-get install --no-install-recommends npm\n" +
        "  Fedora:          sudo dnf install nodejs-npm",
    );
  }
  const step = startStep("installing JavaScript packages (npm ci)");
  // the compiler is a development package, which npm leaves out under NODE_ENV=production
  const words = [...npm, "ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, lines } = await run(words, { cwd: root });
  if (code === 0) return step.done();
  step.failed();
  throw new SetupProblem(
    `npm ci ended with ${code}:\n${indent(lines.slice(0, 15))}\n` + // npm says what is wrong first, and its usage after
      "Check the network (npm config get registry) and run the command again.",
  );
}

/**
 * True where every package of package-lock.json that is not optional stands in node_modules in that version, and no other.
 * npm keeps its own record of what it installed; after `npm install NAME` that record is right and nothing is to be done.
 * @param {string} root
 */
export function isInstalled(root) {
  const wanted = readPackages(join(root, "package-lock.json"));
  const present = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (wanted === undefined || present === undefined) return false;
  const paths = Object.keys(wanted).filter((path) => path.startsWith("node_modules/"));
  const isWhole = paths.every((path) => {
    const entry = wanted[path];
    const found = present[path];
    if (found === undefined) return entry?.optional === true || entry?.devOptional === true || entry?.peer === true;
    return found.version === entry?.version && existsSync(join(root, path));
  });
  return isWhole && Object.keys(present).every((path) => path in wanted);
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean, devOptional?: boolean, peer?: boolean }> | undefined}
 */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** The words that start npm: the one that came with this Node, else the one in PATH. @param {NodeJS.ProcessEnv} env */
function findNpm(env) {
  const beside = join(dirname(dirname(process.execPath)), "lib", "node_modules", "npm", "bin", "npm-cli.js");
  if (existsSync(beside)) return [process.execPath, beside];
  const inPath = findProgram("npm", env);
  return inPath === undefined ? undefined : [inPath];
}

/** @param {string[]} lines */
export function indent(lines) {
  return lines.map((line) => `  ${line}`).join("\n");
}
