// @ts-check
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { indent } from "./packages.mjs";
import { SetupProblem } from "./problem.mjs";
import { run } from "./run.mjs";
import { startStep } from "./say.mjs";
import { filesUnder, typescriptFolders } from "./stamps.mjs";

/** Compiles the TypeScript packages (incrementally) and removes what was compiled from sources that are gone. @param {string} root */
export async function compileTypes(root) {
  const step = startStep("compiling TypeScript");
  for (const folder of typescriptFolders(root)) removeOrphans(folder);
  const { code, lines } = await run([process.execPath, join(root, "node_modules", "typescript", "bin", "tsc"), "-b"], {
    cwd: root,
  });
  if (code === 0) return step.done();
  step.failed();
  const shown = lines.filter((line) => line.trim() !== "").slice(0, 20);
  throw new SetupProblem(`the TypeScript sources do not compile (npx tsc -b):\n${indent(shown)}`);
}

/**
 * Removes outputs whose source is gone: a deleted test must not go on running from dist.
 * @param {string} folder of a package
 * @returns {string[]} what was removed
 */
export function removeOrphans(folder) {
  const dist = join(folder, "dist");
  const orphans = ["src", "test"]
    .flatMap((part) => filesUnder(join(dist, part)))
    .filter((path) => {
      const stem = /^(.*?)(\.d\.ts|\.js)(\.map)?$/.exec(path.slice(dist.length + 1))?.[1];
      return stem !== undefined && ![".ts", ".tsx"].some((end) => existsSync(join(folder, stem + end)));
    });
  for (const path of orphans) rmSync(path);
  return orphans;
}
