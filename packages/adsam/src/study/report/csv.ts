import type { StudyRow } from "../results.js";
import type { Table } from "./table.js";

const rowColumns = [
  "study",
  "system",
  "train",
  "test",
  "metric",
  "value",
  "low",
  "high",
  "seeds",
  "minutes",
  "pictures",
] as const;

/** Every row, in full precision (RFC 4180). What is not there is an empty cell; seeds are parted by spaces. */
export function rowsCsv(rows: readonly StudyRow[]): string {
  const cells = (row: StudyRow) =>
    rowColumns.map((column) => (column === "seeds" ? row.seeds.join(" ") : (row[column] ?? null)));
  return csv([rowColumns, ...rows.map(cells)]);
}

/**
 * A table in full precision. A column of numbers becomes several where some have an interval or a verdict: `mIoU`, `mIoU low`,
 * `mIoU high`; the lead's verdict stands in `… verdict`, in `… bound` whether the truth is `at least` or `at most` this. Shares are 0…1.
 */
export function tableCsv({ columns, rows }: Table): string {
  const spread = columns.map((column, k) => {
    const cells = rows
      .map((row) => row[k]!)
      .map((cell) => (typeof cell === "object" && cell !== null ? cell : undefined));
    const title = column.published ? `${column.title} (not measured here)` : column.title;
    const interval = cells.some((cell) => cell?.low != null);
    const verdict = cells.some((cell) => cell?.verdict !== undefined);
    const bound = cells.some((cell) => cell?.bound !== undefined);
    return {
      titles: [
        title,
        ...(interval ? [`${title} low`, `${title} high`] : []),
        ...(verdict ? [`${title} verdict`] : []),
        ...(bound ? [`${title} bound`] : []),
      ],
      of: (row: number) => {
        const cell = cells[row];
        const text = rows[row]![k] as string | null;
        return [
          cell ? cell.value : text,
          ...(interval ? [cell?.low ?? null, cell?.high ?? null] : []),
          ...(verdict ? [cell?.verdict ?? null] : []),
          ...(bound ? [cell?.bound ?? null] : []),
        ];
      },
    };
  });
  return csv([spread.flatMap(({ titles }) => titles), ...rows.map((_, row) => spread.flatMap(({ of }) => of(row)))]);
}

function csv(lines: readonly (readonly (string | number | null)[])[]): string {
  return lines.map((cells) => `${cells.map(quoted).join(",")}\r\n`).join("");
}

/** A text that a spreadsheet would take for a formula is kept a text by an apostrophe. */
function quoted(cell: string | number | null): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
