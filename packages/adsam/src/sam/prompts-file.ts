import { Problem } from "@adsam/torch/problem";
import { readBytes } from "../data/files.js";
import type { SamPrompt } from "../models/sam/prompt.js";
import { jsonMistake } from "./json-place.js";
import type { PromptBox, PromptList } from "./prompts.js";

const example = '[{"points": [[410, 260], [30, 40]], "labels": [1, 0], "box": [380, 200, 520, 330]}]';

/**
 * Prompts in JSON: a list for every picture, or an object with a list for each picture. A prompt has `points`, `labels` (left out: all 1)
 * and `box`, each in pixels; at least points or a box.
 * @throws Problem that names the place in the file
 */
export async function readPrompts(file: string): Promise<PromptList> {
  const text = (await readBytes(file, "prompts")).toString("utf8").replace(/^\uFEFF/, "");
  return promptsOfJson(parse(text, file), `prompts "${file}"`);
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = jsonMistake(text);
    const where = place ? `, line ${place.line}, column ${place.column}` : "";
    const line =
      place &&
      text
        .split("\n")
        [place.line - 1]!.slice(place.column - 1)
        .trim();
    const found = line ? `"${line.slice(0, 30)}"` : place ? "the end of the line" : (error as Error).message;
    throw new Problem({ what: `prompts "${file}"${where}`, found, expected: `JSON such as ${example}` });
  }
}

/** {@link readPrompts} for a value that is parsed already. @param what begins each error */
export function promptsOfJson(json: unknown, what: string): PromptList {
  if (Array.isArray(json)) return listOf(json, what);
  if (!isObject(json)) throw wrong(what, json, `a list of prompts such as ${example}, or an object of such lists`);
  return new Map(
    Object.entries(json).map(([picture, list]) => {
      const place = `${what}, "${picture}"`;
      if (!Array.isArray(list)) throw wrong(place, list, "a list of prompts");
      return [picture, listOf(list, place)];
    }),
  );
}

function listOf(list: readonly unknown[], what: string): SamPrompt[] {
  if (list.length === 0) throw new Problem({ what, found: "an empty list", expected: "at least one prompt" });
  return list.map((one, i) => promptOf(one, `${what}, prompt ${i + 1}`));
}

function promptOf(json: unknown, what: string): SamPrompt {
  if (!isObject(json)) throw wrong(what, json, 'an object with "points", "labels" and "box"');
  const { points, labels, box, ...others } = json;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new Problem({ what, found: `key "${unknown}"`, expected: '"points", "labels" and "box"' });
  if (box === undefined && (points === undefined || (Array.isArray(points) && points.length === 0)))
    throw new Problem({ what, found: "no point and no box", expected: "at least one of them" });
  if (box !== undefined && !isNumbers(box, 4)) throw wrong(`${what}, box`, box, "four numbers: x0, y0, x1, y1");
  const pointCoords = points === undefined ? [] : pointsOf(points, what);
  const pointLabels = labels === undefined ? pointCoords.map(() => 1 as const) : labelsOf(labels, what);
  if (pointLabels.length !== pointCoords.length)
    throw new Problem({
      what: `${what}, labels`,
      found: `${pointLabels.length} for ${pointCoords.length} points`,
      expected: "one a point",
    });
  return {
    ...(pointCoords.length > 0 && { pointCoords, pointLabels }),
    ...(box !== undefined && { box: box as unknown as PromptBox }),
  };
}

function pointsOf(points: unknown, what: string): (readonly [number, number])[] {
  if (!Array.isArray(points)) throw wrong(`${what}, points`, points, "a list of [x, y]");
  return points.map((point: unknown, i) => {
    if (!isNumbers(point, 2)) throw wrong(`${what}, point ${i + 1}`, point, "two numbers: x, y");
    return point as unknown as readonly [number, number];
  });
}

function labelsOf(labels: unknown, what: string): (0 | 1)[] {
  if (!Array.isArray(labels)) throw wrong(`${what}, labels`, labels, "a list of 1 and 0");
  return labels.map((label: unknown, i) => {
    if (label !== 0 && label !== 1)
      throw wrong(`${what}, label ${i + 1}`, label, "1 (what is meant) or 0 (what is not)");
    return label;
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNumbers = (value: unknown, count: number): value is readonly number[] =>
  Array.isArray(value) && value.length === count && value.every((one) => typeof one === "number");

function wrong(what: string, value: unknown, expected: string): Problem {
  const text = JSON.stringify(value);
  return new Problem({ what, found: text.length > 40 ? `${text.slice(0, 40)}…` : text, expected });
}
