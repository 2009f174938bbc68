import { existsSync, readFileSync } from "node:fs";
import { Problem } from "@adsam/torch/problem";
import { appendWhole, replaceWhole } from "./append-whole.js";
import type { TrainEvents, TrainSubscriber } from "./events.js";

type Row = readonly (readonly [column: string, value: number | null])[];

/**
 * One row an epoch in CSV (RFC 4180): epoch, step, learning rates, losses, validation scores, IoU of each class, seconds of
 * training in the epoch, seconds of the run so far with its validations, pictures a second, memory in MB. What was not measured is an empty cell. A resumed run drops the rows after the epoch it resumes from.
 */
export class CsvLog implements TrainSubscriber {
  readonly #path: string;
  #classNames: readonly string[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  runStarted({ classes, resumedEpochs }: TrainEvents["runStarted"]): void {
    this.#classNames = classes.names;
    truncateCsvLog(this.#path, resumedEpochs);
  }

  epochFinished(event: TrainEvents["epochFinished"]): void {
    const row = this.#row(event);
    const header = csvLine(row.map(([column]) => column));
    const line = csvLine(row.map(([, value]) => (value === null ? "" : String(value))));
    const present = existsSync(this.#path) ? readFileSync(this.#path, "utf8") : "";
    const found = present.slice(0, present.indexOf("\n") + 1);
    if (found !== "" && found !== header) throw differentColumns(this.#path, splitLine(found), splitLine(header));
    appendWhole(this.#path, Buffer.from(found === "" ? header + line : line));
  }

  #row({ validation, learningRates, lossParts, ...event }: TrainEvents["epochFinished"]): Row {
    return [
      ["epoch", event.epoch],
      ["step", event.step],
      ...Object.entries(learningRates).map(([group, rate]) => [`lr.${group}`, rate] as const),
      ["loss", event.loss],
      ...Object.entries(lossParts).map(([part, value]) => [`loss.${part}`, value] as const),
      ["valMIoU", validation?.mIoU ?? null],
      ["valPixelAccuracy", validation?.pixelAccuracy ?? null],
      ...this.#classNames.map((name, id) => [`iou.${name}`, validation?.perClassIoU[id] ?? null] as const),
      ["seconds", rounded(event.seconds, 3)],
      ["runSeconds", rounded(event.runSeconds, 3)],
      ["picturesPerSecond", rounded(event.picturesPerSecond, 4)],
      ["rssMB", rounded(event.residentBytes / 1e6, 1)],
    ];
  }
}

/** The rows of a log, newest last: column → number, or null for an empty cell. Half a row at the end, of a run that was killed, is left out. */
export function readCsvLog(path: string): Record<string, number | null>[] {
  const [header, ...lines] = wholeLines(readFileSync(path, "utf8"));
  if (header === undefined) return [];
  const columns = splitLine(header);
  return lines.map((line) => {
    const cells = splitLine(line);
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ? Number(cells[i]) : null]));
  });
}

/** Takes out the rows after `epochs`, and half a row at the end; the file is replaced at once or not at all. */
export function truncateCsvLog(path: string, epochs: number): void {
  if (!existsSync(path)) return;
  const text = readFileSync(path, "utf8");
  const [header, ...lines] = wholeLines(text);
  const kept = lines.filter((line) => Number(splitLine(line)[0]) <= epochs);
  const next = header === undefined || kept.length === 0 ? "" : `${[header, ...kept].join("\n")}\n`;
  if (next === text) return;
  replaceWhole(path, next);
}

function wholeLines(text: string): string[] {
  return text.split("\n").slice(0, -1); // what follows the last line end is empty or was cut off
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\n`;
}

function splitLine(line: string): string[] {
  const cells = line.replace(/\r?\n$/, "").matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g);
  return [...cells].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}

function differentColumns(path: string, found: readonly string[], expected: readonly string[]): Problem {
  const gone = found.filter((column) => !expected.includes(column));
  const fresh = expected.filter((column) => !found.includes(column));
  const parts = [
    gone.length > 0 ? `without ${gone.join(", ")}` : "",
    fresh.length > 0 ? `with ${fresh.join(", ")}` : "",
  ];
  return new Problem({
    what: `${path} was begun by a run with other columns`,
    found: found.length > 8 ? `${found.length} columns` : found.join(", "),
    expected: parts.filter(Boolean).join(" and ") || "the same columns in another order",
    todo: "Give this run another folder with --out, or move the old log away.",
  });
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
