import { whole } from "./markdown.js";
import type { Table, TableCell } from "./table.js";

/** Tables for a paper: `\usepackage{booktabs}`, and `\input` of this file. */
export function latex(tables: readonly Table[]): string {
  return `% \\usepackage{booktabs,graphicx}\n${tables.map(one).join("\n")}`;
}

function one({ id, title, note, columns, rows }: Table): string {
  // A line that begins with [ or * would be an argument of the \\ before it.
  const line = (cells: readonly string[]) => `  ${cells.join(" & ").replace(/^(?=[[*])/, "{}")} \\\\`;
  const alignment = columns.map((_, k) =>
    rows.some((row) => typeof row[k] === "object" && row[k] !== null) ? "r" : "l",
  );
  return [
    "\\begin{table}",
    "\\centering",
    `\\caption{${escaped(title)}}`,
    `\\label{tab:${id}}`,
    "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
    `\\begin{tabular}{${alignment.join("")}}`,
    "  \\toprule",
    line(columns.map(({ title, published }) => escaped(published ? `${title} (not measured here)` : title))),
    "  \\midrule",
    ...rows.map((row) => line(row.map((cell, k) => cellText(cell, columns[k]!.published === true)))),
    "  \\bottomrule",
    "\\end{tabular}}",
    ...(note === undefined ? [] : [`\\par\\smallskip{\\footnotesize ${escaped(note)}}`]),
    "\\end{table}",
    "",
  ].join("\n");
}

function cellText(cell: TableCell, published: boolean): string {
  if (cell === null) return "--";
  if (typeof cell === "string") return escaped(cell);
  const text = escaped(whole(cell));
  return cell.best ? `\\textbf{${text}}` : published ? `\\textit{${text}}` : text;
}

const commands: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  $: "\\$",
  "&": "\\&",
  "#": "\\#",
  "%": "\\%",
  _: "\\_",
  "^": "\\textasciicircum{}",
  "|": "\\textbar{}",
  "~": "\\textasciitilde{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  "−": "$-$",
  "–": "--",
  "×": "$\\times$",
  "→": "$\\rightarrow$",
  "≈": "$\\approx$",
  "≥": "$\\geq$",
  "≤": "$\\leq$",
};

/** What LaTeX would take for a command, and signs that only some of its engines know. */
const escaped = (text: string): string =>
  text.replace(/[\\{}$&#%_^~|<>−–×→≈≥≤]/g, (sign) => commands[sign]!).replace(/\s*\n\s*/g, " ");
