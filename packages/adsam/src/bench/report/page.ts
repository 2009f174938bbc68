import type { GrowthLine } from "../growth/growth.js";
import type { Result, Row } from "../result.js";
import type { MachineRates } from "../roofline/limit.js";
import { prefixed, quantity, spreadText, targetText } from "./numbers.js";

const begin = "<!-- measured: begin, written by npm run bench -->";
const end = "<!-- measured: end -->";

/** A result as Markdown: where and when, the table, growth, and how well the outputs agree. */
export function resultMarkdown(result: Result): string {
  const { machine, blas, runs, versions } = result;
  const parts = [
    [
      `- machine: ${machine}`,
      ...runs.map(
        ({ date, command, load, rates }) =>
          `- ${date.slice(0, 10)}: \`${command}\`; load average ${load.before} before, ${load.after} after${ratesText(rates)}`,
      ),
      `- versions: ${Object.entries(versions)
        .map(([side, version]) => (version.startsWith(side) ? version : `${side}: ${version}`))
        .join("; ")}; this project's BLAS: ${blas}`,
      ...result.skipped.map(({ peer, reason, todo }) => `- skipped: ${peer}, ${reason}. ${todo}`),
      ...result.failures.map(({ id, reason }) => `- failed: ${id}, ${reason}`),
    ].join("\n"),
    table(result.rows),
    growthTable(result.growth),
    agreementTable(result),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** `; matrix products 205 GFLOP/s in float32, …`: what of a run's rates was kept. */
function ratesText({ float32, bfloat16, copy }: Partial<MachineRates> = {}): string {
  const products = [
    ...(float32 ? [`${prefixed(float32)}FLOP/s in float32`] : []),
    ...(bfloat16 ? [`${prefixed(bfloat16)}FLOP/s in bfloat16`] : []),
  ];
  const parts = [
    ...(products.length > 0 ? [`matrix products ${products.join(", ")}`] : []),
    ...(copy ? [`copying ${prefixed(copy)}B/s`] : []),
  ];
  return parts.length > 0 ? `; ${parts.join(", ")}` : "";
}

function table(rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  return [
    "| work | this project | peer | ratio | wanted | roofline | attained | turns |",
    "|---|---|---|---|---|---|---|---|",
    ...rows.map((row) => {
      const theirs =
        row.theirs === null || row.spread.theirs === null
          ? ""
          : `${row.peer} ${spreadText(row.theirs, row.spread.theirs, row)}`;
      const ratio = row.ratio === null ? "" : `${row.ratio.toPrecision(3)}${row.unit === "s" ? "×" : ""}`;
      const limit = row.limit === null ? "" : `${row.uncounted ? "≥ " : ""}${quantity(row.limit, "s")}`;
      const attained = row.attained === null ? "" : `${(100 * row.attained).toFixed(0)} %`;
      const own = spreadText(row.ours, row.spread.ours, row);
      return `| ${row.work} | ${own} | ${theirs} | ${ratio} | ${targetText(row)} | ${limit} | ${attained} | ${row.n} |`;
    }),
  ].join("\n");
}

function growthTable(lines: readonly GrowthLine[]): string {
  if (lines.length === 0) return "";
  return [
    "| growth | over | times | law |",
    "|---|---|---|---|",
    ...lines.map((line) => {
      const times = line.points.map(({ x, seconds }) => `${x}: ${quantity(seconds, "s")}`);
      const left = line.skipped.map(({ x, reason }) => `${x}: skipped, ${reason}`);
      return `| ${line.work} | ${line.axis} | ${[...times, ...left].join("; ")} | ${lawText(line)} |`;
    }),
  ].join("\n");
}

/** `pixels^1.03`, `93 % of perfect`. */
export function lawText({ axis, exponent, efficiency }: GrowthLine): string {
  if (efficiency !== null) return `${(100 * efficiency).toFixed(0)} % of perfect`;
  return exponent === null ? "" : `${axis === "size" ? "pixels" : "pictures"}^${exponent.toFixed(2)}`;
}

function agreementTable({ agreements }: Result): string {
  if (agreements.length === 0) return "";
  return [
    "| same work? | against | difference | accepted |",
    "|---|---|---|---|",
    ...agreements.map(
      ({ work, peer, what, difference, limit }) =>
        `| ${work}: ${what} | ${peer} | ${difference.toExponential(1)} | ${limit} |`,
    ),
  ].join("\n");
}

/** Puts the result into the page in place of the one before; what people wrote around it stays. */
export function withResult(page: string, result: Result): string {
  const block = `${begin}\n\n${resultMarkdown(result)}\n\n${end}`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${block}\n`.trimStart();
  return page.slice(0, from) + block + page.slice(to + end.length);
}
