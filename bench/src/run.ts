/** `npm run bench`: measures, prints the table, and writes it into the documentation. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "@adsam/torch/problem";
import { type Comparison, compare } from "./compare.js";
import { help, type Options, readOptions } from "./options.js";
import { resultMarkdown, withResult } from "./page.js";
import { describeMachine, load, type Result } from "./result.js";
import { ours, peer, requirePython } from "./sides.js";

async function measure(options: Options, args: readonly string[]): Promise<Result> {
  const { sizes, works, repeats, threads, python, sameEnvironment } = options;
  const theirs = peer(await requirePython(python), { sameEnvironment });
  const before = load();
  const done: Comparison[] = [];
  for (const size of sizes)
    for (const work of works)
      done.push(await compare({ work, size, threads }, { ours, theirs, repeats }, (line) => console.error(line)));
  return {
    machine: `${describeMachine()}; ${threads} threads a side`,
    date: new Date().toISOString(),
    command: ["npm run bench", ...(args.length > 0 ? ["--", ...args] : [])].join(" "),
    versions: done[0]!.versions,
    load: { before, after: load() },
    rows: done.flatMap(({ rows }) => rows),
    agreements: done.flatMap(({ agreements }) => agreements),
  };
}

function write(folder: string, result: Result): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "performance.json"), `${JSON.stringify(result, undefined, 2)}\n`);
  const page = join(folder, "performance.md");
  writeFileSync(page, withResult(existsSync(page) ? readFileSync(page, "utf8") : "# Performance\n", result));
}

const given = process.argv.slice(2);
const args = given[0] === "bench" ? given.slice(1) : given; // the launcher leaves its command in front
try {
  const options = readOptions(args);
  if (options === undefined) console.log(help);
  else {
    const result = await measure(options, args);
    console.log(resultMarkdown(result));
    if (options.out !== undefined) write(options.out, result);
  }
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
