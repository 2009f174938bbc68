import { boundedText, intervalText, type NumberCell, type Table, type TableCell, verdictText } from "./table.js";

/** Tables in GitHub's Markdown, each under its title. */
export function markdown(tables: readonly Table[]): string {
  return `${tables.map(one).join("\n\n")}\n`;
}

function one({ title, note, columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const head = columns.map(({ title, published }) => escaped(published ? `${title} (not measured here)` : title));
  const rule = columns.map((_, k) =>
    rows.some((row) => typeof row[k] === "object" && row[k] !== null) ? "---:" : "---",
  );
  const body = rows.map((row) => line(row.map((cell, k) => cellText(cell, columns[k]!.published === true))));
  return [`### ${escaped(title)}`, ...(note ? ["", escaped(note)] : []), "", line(head), line(rule), ...body].join(
    "\n",
  );
}

function cellText(cell: TableCell, published: boolean): string {
  if (cell === null) return "–";
  if (typeof cell === "string") return escaped(cell);
  const text = whole(cell);
  return cell.best ? `**${text}**` : published ? `*${text}*` : text;
}

/** `62.1 % (60.0–64.2)`, `+2.1 (+0.4 to +3.8): better` */
export function whole(cell: NumberCell): string {
  const aside = [intervalText(cell), cell.of].filter((text) => text).join("; ");
  return `${boundedText(cell)}${aside && ` (${aside})`}${cell.verdict ? `: ${verdictText(cell.verdict)}` : ""}`;
}

/** What Markdown would read as its own, and as HTML. */
const escaped = (text: string): string =>
  text
    .replace(/[\\`*_[\]|#~]/g, "\\$&")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/\s*\n\s*/g, " ");
