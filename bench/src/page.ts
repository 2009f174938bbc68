import type { Result, Row } from "./result.js";

const begin = "<!-- measured: begin, written by npm run bench -->";
const end = "<!-- measured: end -->";

/** A result as Markdown: where and when, the table, and how well the outputs agree. */
export function resultMarkdown({ machine, date, command, versions, load, rows, agreements }: Result): string {
  return [
    `- machine: ${machine}; load average ${load.before} before, ${load.after} after`,
    `- date: ${date.slice(0, 10)}; command: \`${command}\``,
    `- this project: ${versions.ours}; peer: ${versions.theirs}`,
    "",
    "| work | this project | PyTorch | ratio | turns |",
    "|---|---|---|---|---|",
    ...rows.map(
      (row) =>
        `| ${row.work} | ${cell(row.ours, row.spread.ours, row)} | ${cell(row.theirs, row.spread.theirs, row)} | ${row.ratio.toFixed(2)}${row.ratio > row.limit ? ", over the limit" : ""} | ${row.n} |`,
    ),
    "",
    "| same work? | difference | accepted |",
    "|---|---|---|",
    ...agreements.map(
      ({ work, what, difference, limit }) =>
        `| ${work}: ${what} | ${difference.toExponential(1)} | ${limit.toExponential(1)} |`,
    ),
  ].join("\n");
}

function cell(median: number, [least, most]: readonly [number, number], { unit, n }: Row): string {
  const text = `${median.toPrecision(3)} ${unit}`;
  return n > 1 ? `${text} (${least.toPrecision(3)}–${most.toPrecision(3)})` : text;
}

/** Puts the result into the page in place of the one before; what people wrote around it stays. */
export function withResult(page: string, result: Result): string {
  const block = `${begin}\n\n${resultMarkdown(result)}\n\n${end}`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${block}\n`.trimStart();
  return page.slice(0, from) + block + page.slice(to + end.length);
}
