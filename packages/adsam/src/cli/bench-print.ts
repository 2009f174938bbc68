import type { Comparison } from "../bench/catalogue/comparison.js";
import type { BaselineVerdict } from "../bench/report/baseline.js";
import { quantity, spreadText, targetText } from "../bench/report/numbers.js";
import { lawText } from "../bench/report/page.js";
import type { Result } from "../bench/result.js";
import { peerTitles } from "../bench/sides/peers.js";
import type { Output } from "./output.js";

/** `adsam bench --list` */
export function printList(works: readonly Comparison[], output: Output): void {
  const { bold, dim } = output.colours;
  output.table(
    [{ title: "group" }, { title: "work" }, { title: "what" }, { title: "beside" }, { title: "wanted" }],
    works.flatMap(({ id, group, rows, sides }) =>
      rows.map((row, i) => {
        const who = row.peer === undefined ? "ours" : sides[row.peer]!.who;
        const wanted = [
          targetText({ unit: "s", ...(row.target !== undefined && { target: row.target }) }),
          row.memory?.target === undefined ? "" : `memory ≤ ${row.memory.target}`,
        ];
        const first = i === 0 ? [dim(group), bold(id)] : ["", ""];
        return [
          ...first,
          row.work,
          who === "ours" ? "" : peerTitles[who],
          wanted.filter((text) => text !== "").join(", "),
        ];
      }),
    ),
  );
}

/** The table of a run, on stdout. */
export function printResult(result: Result, output: Output): void {
  const { bold, dim, red, green } = output.colours;
  output.line(`${bold(result.machine)}; ${result.blas}`);
  if (result.rows.length > 0)
    output.table(
      [
        { title: "work" },
        { title: "this project" },
        { title: "peer" },
        { title: "ratio", align: "right" },
        { title: "wanted" },
        { title: "roofline", align: "right" },
        { title: "attained", align: "right" },
        { title: "turns", align: "right" },
      ],
      result.rows.map((row) => [
        row.work,
        spreadText(row.ours, row.spread.ours, row),
        row.theirs === null || row.spread.theirs === null
          ? ""
          : `${row.peer} ${spreadText(row.theirs, row.spread.theirs, row)}`,
        row.ratio === null ? "" : row.ratio.toPrecision(3),
        row.reached === undefined ? targetText(row) : (row.reached ? green : red)(targetText(row)),
        row.limit === null ? "" : quantity(row.limit, "s"),
        row.attained === null ? "" : `${(100 * row.attained).toFixed(0)} %`,
        String(row.n),
      ]),
    );
  if (result.growth.length > 0)
    output.table(
      [{ title: "growth" }, { title: "over" }, { title: "times" }, { title: "law" }],
      result.growth.map((line) => [
        line.work,
        line.axis,
        line.points.map(({ x, seconds }) => `${x}: ${quantity(seconds, "s")}`).join("  "),
        lawText(line),
      ]),
    );
  if (result.rows.length > 0)
    output.line(
      dim("ratio: of times theirs / ours, of memory ours / theirs; roofline: the least time the work can take here"),
    );
}

/** A run beside an earlier one, on stdout. */
export function printVerdict({ lines, left }: BaselineVerdict, output: Output): void {
  const { red, dim } = output.colours;
  const percent = (value: number) => `${value > 0 ? "+" : ""}${(100 * value).toFixed(1)} %`;
  output.line();
  output.table(
    [
      { title: "against the baseline" },
      { title: "peer" },
      { title: "compared" },
      { title: "before", align: "right" },
      { title: "now", align: "right" },
      { title: "worse by", align: "right" },
      { title: "noise", align: "right" },
      { title: "" },
    ],
    lines.map((line) => [
      line.work,
      line.peer ?? "",
      line.quantity,
      line.before.toPrecision(3),
      line.now.toPrecision(3),
      percent(line.worse),
      percent(line.noise),
      line.regressed ? red("regressed") : "",
    ]),
  );
  for (const { work, reason } of left) output.line(dim(`${work}: not compared, ${reason}`));
}
