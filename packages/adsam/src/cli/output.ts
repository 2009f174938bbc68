import { stripVTControlCharacters } from "node:util";
import { Problem } from "@adsam/torch/problem";
import { CommanderError } from "commander";
import picocolors from "picocolors";

/** How a command ends. */
export const exitCodes = {
  done: 0,
  /** Bad input, a missing file: one paragraph told what. */
  problem: 1,
  /** The command line itself was wrong. */
  usage: 2,
  /** A defect of this program (EX_SOFTWARE of sysexits.h). */
  defect: 70,
  /** Ctrl-C ended it, what was done being kept: as shells say it, 128 and SIGINT's number. */
  interrupted: 130,
} as const;

export interface Column {
  readonly title: string;
  /** Numbers stand right. Default: left. */
  readonly align?: "left" | "right";
}

export interface Streams {
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Colours = ReturnType<typeof picocolors.createColors>;

/** The only place that prints. Results go to stdout, everything else to stderr; colour only to a terminal, and never with NO_COLOR. */
export class Output {
  readonly #streams: Streams;
  /** Set by a command's `--json`: stdout then carries one JSON value and nothing else. */
  json = false;
  /** Colours of stdout; the identity where it is no terminal. */
  readonly colours: Colours;
  readonly #errorColours: Colours;

  constructor(streams: Streams = process) {
    this.#streams = streams;
    this.colours = picocolors.createColors(wantsColour(streams.stdout, streams.env));
    this.#errorColours = picocolors.createColors(wantsColour(streams.stderr, streams.env));
  }

  /** Where a progress bar may draw. */
  get progressStream(): Streams["stderr"] {
    return this.#streams.stderr;
  }

  line(text = ""): void {
    this.#streams.stdout.write(`${text}\n`);
  }

  /** A remark beside the result, on stderr. */
  note(text: string): void {
    this.#streams.stderr.write(`${text}\n`);
  }

  warning(text: string): void {
    this.note(`${this.#errorColours.yellow("warning:")} ${text}`);
  }

  /** The command's result: the value with `--json`, else what `show` prints. */
  result(value: unknown, show: () => void): void {
    if (this.json) this.line(JSON.stringify(value, null, 2));
    else show();
  }

  /** Aligned columns, the titles dimmed; cells may carry colours. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
    for (const text of tableLines(columns, rows, this.colours.dim)) this.line(text);
  }

  /** Tells of a failure on stderr. @returns the exit code it stands for */
  failure(error: unknown): number {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage; // commander has said it
    const red = this.#errorColours.red;
    if (error instanceof Problem) {
      this.note(`${red("adsam:")} ${sentence(error.message)}`);
      return exitCodes.problem;
    }
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.note(
      `${red("adsam:")} this is a defect of ours, not of your input. Please report it with the lines below.\n${stack}`,
    );
    return exitCodes.defect;
  }
}

/** The lines of a table; two blanks between columns, none at a line's end. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  title: (text: string) => string = (text) => text,
): string[] {
  const widths = columns.map((column, i) => Math.max(column.title.length, ...rows.map((row) => width(row[i] ?? ""))));
  const align = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const blanks = " ".repeat(Math.max(0, (widths[i] ?? 0) - width(cell)));
        return columns[i]?.align === "right" ? blanks + cell : cell + blanks;
      })
      .join("  ")
      .trimEnd();
  const head = align(columns.map((column) => column.title));
  return [...(head === "" ? [] : [title(head)]), ...rows.map(align)];
}

/** NO_COLOR (no-color.org) and FORCE_COLOR decide; else a terminal that is not dumb. */
function wantsColour(stream: { isTTY?: boolean }, env: Streams["env"]): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== "") return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "" && env.FORCE_COLOR !== "0") return true;
  return stream.isTTY === true && env.TERM !== "dumb";
}

function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
