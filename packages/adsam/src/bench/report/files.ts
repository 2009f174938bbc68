import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "@adsam/torch/problem";
import type { Result } from "../result.js";
import { merged } from "./merge.js";
import { withResult } from "./page.js";

/** Writes performance.json and performance.md into a folder; works that were not measured now stay as they are there. */
export function writeResult(folder: string, result: Result, order: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  const data = join(folder, "performance.json");
  const whole = merged(existsSync(data) ? parsed(readFileSync(data, "utf8")) : undefined, result, order);
  writeFileSync(data, `${JSON.stringify(whole, undefined, 2)}\n`);
  const page = join(folder, "performance.md");
  writeFileSync(page, withResult(existsSync(page) ? readFileSync(page, "utf8") : "# Performance\n", whole));
}

/** @throws Problem where the folder holds another machine's results, which this run's would not stand beside */
export function checkFolder(folder: string, machine: string): void {
  const data = join(folder, "performance.json");
  const found = existsSync(data) ? (parsed(readFileSync(data, "utf8")) as Partial<Result> | undefined) : undefined;
  if (found?.format !== 2 || found.machine === machine) return;
  throw new Problem({
    what: data,
    found: `results of another machine (${found.machine})`,
    expected: machine,
    todo: "Remove it to begin a new table, or name another folder with --out.",
  });
}

/** @throws Problem for a file that is no result */
export function readResult(path: string): Result {
  const found = existsSync(path) ? (parsed(readFileSync(path, "utf8")) as Partial<Result> | undefined) : undefined;
  if (found?.format === 2 && Array.isArray(found.rows)) return found as Result;
  throw new Problem({
    what: `baseline "${path}"`,
    found: existsSync(path) ? "a file that is no result of the benchmark" : "no such file",
    expected: "what `adsam bench --json FILE` wrote, or docs/performance.json",
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
