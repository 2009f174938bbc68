import { type Html, html, raw } from "../../report/html.js";
import type { Verdict } from "../statistics/difference.js";
import { lineSample, type SystemLook } from "./looks.js";
import { boundedText, intervalText, type NumberCell, type Table, type TableCell, verdictText } from "./table.js";

/** A table as a card that scrolls by itself where the page is narrower than it. */
export function tableHtml(
  { title, note, columns, rows, systems }: Table,
  looks: ReadonlyMap<string, SystemLook> = new Map(),
): Html {
  const sample = (row: number) => {
    const look = systems && looks.get(systems[row]!);
    return look && lineSample(look);
  };
  return html`<section class="card table">
<h3>${title}</h3>
${note === undefined ? null : html`<p class="lead">${note}</p>`}
<div class="scroll" tabindex="0" role="region" aria-label="${title}"><table>
<thead><tr>${columns.map(
    ({ title, published }, k) =>
      html`<th scope="col"${raw(className([k > 0 && isNumeric(rows, k) && "number", published && "published"]))}>${title}</th>`,
  )}</tr></thead>
<tbody>
${rows.map(
  (
    cells,
    row,
  ) => html`<tr>${cells.map((cell, k) => cellHtml(cell, columns[k]!, { sample: k === 0 ? sample(row) : undefined, first: k === 0, numeric: isNumeric(rows, k) }))}</tr>
`,
)}</tbody>
</table></div>
</section>
`;
}

function cellHtml(
  cell: TableCell,
  { published, bar, short }: Table["columns"][number],
  { sample, first, numeric }: { readonly sample: Html | undefined; readonly first: boolean; readonly numeric: boolean },
): Html {
  if (cell === null) return html`<td class="number none">–</td>`;
  if (typeof cell === "string") {
    if (first) return html`<th scope="row"><span>${sample}${cell}</span></th>`;
    return html`<td${raw(className([numeric && "number none", short && "short", published && "published"]))}>${cell}</td>`;
  }
  const names = className(["number", published && "published", cell.best && "best", bar && "barred"]);
  const interval = intervalText(cell);
  return html`<td${raw(names)}><span class="value">${boundedText(cell)}</span>${interval && html` <span class="interval">${interval}</span>`}${cell.of && html` <span class="interval">(${cell.of})</span>`}${
    bar ? barOf(cell) : null
  }${cell.verdict && html` ${verdictChip(cell.verdict)}`}</td>`;
}

/** The share as a bar, its interval as a whisker on it. */
function barOf({ value, low, high }: NumberCell): Html {
  const at = (share: number) => `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`;
  const whisker =
    low == null || high == null ? null : html`<b style="left:${at(low)};width:calc(${at(high)} - ${at(low)})"></b>`;
  return html`<span class="track"><i style="width:${at(value)}"></i>${whisker}</span>`;
}

const signs: Readonly<Record<Verdict, string>> = { better: "▲", worse: "▼", "inside the noise": "≈", untold: "?" };

/** Says by sign and words, not by colour alone, what is held to be so. */
export function verdictChip(verdict: Verdict, text = verdictText(verdict)): Html {
  return html`<span class="verdict ${verdict.replace(/^inside.*/, "noise")}"><span aria-hidden="true">${signs[verdict]}</span> ${text}</span>`;
}

const isNumeric = (rows: Table["rows"], k: number) =>
  rows.some((cells) => cells[k] !== null && typeof cells[k] !== "string");

const className = (names: readonly (string | false | undefined)[]): string => {
  const given = names.filter((name) => name);
  return given.length === 0 ? "" : ` class="${given.join(" ")}"`;
};
