// @ts-check
/**
 * `./adsam test [filter …]`: runs every test file in a process of its own, at most two at a time, and reports.
 * A filter is a part of a path (`tensor`, `packages/torch`); a file matching any of them runs. Options:
 *   --name PATTERN   only tests whose name matches this regular expression
 *   --list           print the files and stop
 * Exit code 0 where at least one test ran and none failed, else 1.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { run } from "node:test";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Report } from "./report.mjs";
import { filesUnder, typescriptFolders } from "./setup/stamps.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const minutesPerFile = 15;

const args = process.argv.slice(2);
const { values, positionals } = parseArgs({
  args: args[0] === "test" ? args.slice(1) : args,
  options: { name: { type: "string" }, list: { type: "boolean" }, folder: { type: "string", multiple: true } },
  allowPositionals: true,
});

const report = new Report(root, { isFiltered: values.name !== undefined });
const all = values.folder === undefined ? everyTestFile() : values.folder.flatMap((folder) => testFiles(folder));
const files = all.filter(
  (file) => positionals.length === 0 || positionals.some((part) => report.sourceOf(file).includes(part)),
);

if (values.list) {
  for (const file of files) console.log(report.sourceOf(file));
  process.exit(0);
}
if (files.length === 0) {
  console.log(`no test file matches ${positionals.join(" ") || "packages/*/test/**/*.test.ts"}; --list shows them all`);
}

// What a test fetches or stores leaves nobody's cache changed, and finds nothing in it.
const cache = mkdtempSync(join(tmpdir(), "adsam-test-cache-"));
process.on("exit", () => rmSync(cache, { recursive: true, force: true }));
process.env.ADSAM_CACHE = cache;

// stacks of compiled tests then name the lines of the .ts files
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} --enable-source-maps`.trim();
const events = run({
  files,
  concurrency: Math.min(2, availableParallelism()),
  timeout: minutesPerFile * 60_000,
  ...(values.name === undefined ? {} : { testNamePatterns: new RegExp(values.name) }),
});
if (files.length > 0) for await (const event of events) report.take(event);
for (const line of report.summary()) console.log(line);
process.exit(report.isGood ? 0 : 1);

function everyTestFile() {
  const compiled = typescriptFolders(root).flatMap((folder) => testFiles(join(folder, "dist", "test")));
  return [...compiled, ...testFiles(join(root, "scripts", "test"))];
}

/** @param {string} folder */
function testFiles(folder) {
  return filesUnder(folder).filter((path) => /\.test\.m?js$/.test(path) && !path.includes("/node_modules/"));
}
