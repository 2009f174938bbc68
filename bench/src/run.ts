/**
 * `npm run bench -- [options]`: this project and the same network in PyTorch, same machine, same run, same weights.
 *
 *   --sizes 512,1024     heights (and widths) of the picture, multiples of 32
 *   --work forward,step  evaluation forward, training step, or both
 *   --repeats 3          measured turns of each side, after one that is not
 *   --threads 2          of each side
 *   --python PATH        a Python with torch, torchvision and scipy
 *   --same-environment   the peer gets the launcher's settings for malloc and OpenBLAS too
 *   --quick              one turn at 64×64, to see it work; writes nothing unless --out is given
 *   --out docs           folder of performance.json and performance.md
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Problem } from "@adsam/torch/problem";
import { type Comparison, compare } from "./compare.js";
import { resultMarkdown, withResult } from "./page.js";
import { describeMachine, load, type Result } from "./result.js";
import type { WorkName } from "./side.js";
import { ours, peer, requirePython } from "./sides.js";

const works: readonly WorkName[] = ["forward", "step"];

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: args[0] === "bench" ? args.slice(1) : [...args],
    options: {
      sizes: { type: "string" },
      work: { type: "string", default: works.join() },
      repeats: { type: "string" },
      threads: { type: "string", default: "2" },
      python: { type: "string" },
      "same-environment": { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      out: { type: "string" },
    },
  });
  const { quick, python, work, out = quick ? undefined : "docs", "same-environment": sameEnvironment } = values;
  const sizes = (values.sizes ?? (quick ? "64" : "512,1024")).split(",").map((size) => whole("--sizes", size, 32));
  return {
    sizes,
    works: work.split(",").map((name) => {
      if (works.includes(name as WorkName)) return name as WorkName;
      throw new Problem({ what: "--work", found: `"${name}"`, expected: `some of ${works.join(", ")}` });
    }),
    repeats: whole("--repeats", values.repeats ?? (quick ? "1" : "3"), 1),
    threads: whole("--threads", values.threads, 1),
    python,
    sameEnvironment,
    out,
  };
}

function whole(flag: string, text: string, step: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= step && value % step === 0) return value;
  throw new Problem({
    what: flag,
    found: `"${text}"`,
    expected: step === 1 ? "a number from 1" : `multiples of ${step}`,
  });
}

async function main(args: readonly string[]): Promise<void> {
  const { sizes, works, repeats, threads, python, sameEnvironment, out } = readOptions(args);
  const theirs = peer(await requirePython(python), { sameEnvironment });
  const before = load();
  const done: Comparison[] = [];
  for (const size of sizes)
    for (const work of works)
      done.push(await compare({ work, size, threads }, { ours, theirs, repeats }, (line) => console.error(line)));
  const given = args[0] === "bench" ? args.slice(1) : args;
  const result: Result = {
    machine: `${describeMachine()}; ${threads} threads a side`,
    date: new Date().toISOString(),
    command: ["npm run bench", ...(given.length > 0 ? ["--", ...given] : [])].join(" "),
    versions: done[0]!.versions,
    load: { before, after: load() },
    rows: done.flatMap(({ rows }) => rows),
    agreements: done.flatMap(({ agreements }) => agreements),
  };
  console.log(resultMarkdown(result));
  if (out !== undefined) writeResult(out, result);
}

function writeResult(folder: string, result: Result): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "performance.json"), `${JSON.stringify(result, undefined, 2)}\n`);
  const page = join(folder, "performance.md");
  writeFileSync(page, withResult(existsSync(page) ? readFileSync(page, "utf8") : "# Performance\n", result));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
