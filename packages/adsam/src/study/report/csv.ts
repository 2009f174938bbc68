import type { StudyRow } from "../results.js";
import type { NumberCell, Table } from "./table.js";

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
  "machine",
] as const;

/** Every row, in full precision (RFC 4180). What is not there is an empty cell; seeds are parted by spaces. */
export function rowsCsv(rows: readonly StudyRow[]): string {
  const cells = (row: StudyRow) =>
    rowColumns.map((column) => (column === "seeds" ? row.seeds.join(" ") : (row[column] ?? null)));
  return csv([rowColumns, ...rows.map(cells)]);
}

/** What else a number may have, a column each where some of its column have it. */
const asides: readonly (readonly [title: string, read: (cell: NumberCell) => string | number | null | undefined])[] = [
  ["low", ({ low }) => low],
  ["high", ({ high }) => high],
  ["verdict", ({ verdict }) => verdict],
  ["bound", ({ bound }) => bound],
  ["of", ({ of }) => of],
];

/**
 * A table in full precision. A column of numbers becomes several where some have an interval or a verdict: `mIoU`, `mIoU low`,
 * `mIoU high`; the lead's verdict stands in `… verdict`, in `… bound` whether the truth is `at least` or `at most` this, in `… of` the seeds
 * that it is of where others have more. Shares are 0…1.
 */
export function tableCsv({ columns, rows }: Table): string {
  const spread = columns.map((column, k) => {
    const cells = rows.map((row) => row[k]!);
    const numbers = cells.map((cell) => (typeof cell === "object" && cell !== null ? cell : undefined));
    const title = column.published ? `${column.title} (not measured here)` : column.title;
    const more = asides.filter(([, read]) => numbers.some((cell) => cell && read(cell) != null));
    return {
      titles: [title, ...more.map(([name]) => `${title} ${name}`)],
      of: (row: number) => {
        const cell = numbers[row];
        return [
          cell ? cell.value : (cells[row] as string | null),
          ...more.map(([, read]) => (cell && read(cell)) ?? null),
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
