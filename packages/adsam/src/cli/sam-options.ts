/** The words of `adsam sam`: what a prompt looks like on a command line, and the settings of the automatic masks. */
import { Problem } from "@adsam/torch/problem";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { AutomaticMaskOptions } from "../models/sam/automatic/options.js";
import type { LabelledPoint, PromptBox } from "../sam/prompts.js";
import { formats, type MaskChoice, type MaskFormat } from "../sam/question.js";

/** What commander makes of the options. */
export interface SamFlags extends Record<string, unknown> {
  readonly encoder?: string;
  readonly weights?: string;
  readonly seed: number;
  readonly point: readonly LabelledPoint[];
  readonly box: readonly PromptBox[];
  readonly prompts?: string;
  readonly everything?: true;
  readonly multimask?: true;
  readonly singleMask?: true;
  readonly out: string;
  readonly format: ReadonlySet<MaskFormat>;
  readonly alpha: number;
  readonly overwrite?: true;
  readonly json?: true;
}

type Setting = Exclude<keyof AutomaticMaskOptions, "outputMode" | "pointGrids">;

/** The settings with their defaults, which are the reference's; `automaticMaskSettings` has the last word on ranges. */
const settings: readonly [Setting, "integer" | "number", described: string][] = [
  ["pointsPerSide", "integer", "side of the grid of points, each of which is asked about (default: 32)"],
  ["pointsPerBatch", "integer", "points asked about at once: more take more memory (default: 64)"],
  ["predIouThresh", "number", "drop masks that the network thinks fit no better than this (default: 0.88)"],
  ["stabilityScoreThresh", "number", "drop masks that depend on the threshold of the logits (default: 0.95)"],
  ["stabilityScoreOffset", "number", "how far that threshold is moved to see, in logits (default: 1)"],
  ["boxNmsThresh", "number", "of two masks whose boxes overlap by more, keep the better (default: 0.7)"],
  ["cropNLayers", "integer", "search crops, too: layer i has 2^i by 2^i (default: 0)"],
  ["cropNmsThresh", "number", "as --box-nms-thresh, between crops (default: 0.7)"],
  ["cropOverlapRatio", "number", "overlap of crops, in shares of the shorter side (default: 512/1500)"],
  ["cropNPointsDownscaleFactor", "integer", "divide the side of the grid by this from layer to layer (default: 1)"],
  ["minMaskRegionArea", "number", "fill holes and drop islands of fewer pixels (default: 0)"],
];
const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

export function addPromptOptions(sam: Command): void {
  const group = "Prompts, in pixels of the upright picture:";
  sam
    .addOption(
      new Option("--point <x,y[,label]>", "a point on what is meant, or with label 0 on what is not; repeatable")
        .argParser(collect(readPoint))
        .default([], "none")
        .helpGroup(group),
    )
    .addOption(
      new Option("--box <x0,y0,x1,y1>", "a box around what is meant, left, top, right, bottom; repeatable")
        .argParser(collect(readBox))
        .default([], "none")
        .helpGroup(group),
    )
    .addOption(new Option("--prompts <file>", "any number of prompts, in JSON (see below)").helpGroup(group))
    .addOption(new Option("--everything", "no prompt: masks of everything in the picture").helpGroup(group))
    .addOption(new Option("--multimask", "three masks for every prompt").conflicts("singleMask").helpGroup(group))
    .addOption(new Option("--single-mask", "the network's single mask for every prompt").helpGroup(group));
}

export function addSettingOptions(sam: Command): void {
  for (const [name, type, description] of settings)
    sam.addOption(
      new Option(`${flagOf(name)} <${type}>`, description)
        .argParser(type === "integer" ? wholeNumber : numeric)
        .helpGroup("Settings of --everything:"),
    );
}

/** The settings that were given. @throws Problem where there is no --everything to use them */
export function settingsOf(flags: SamFlags): Omit<AutomaticMaskOptions, "outputMode"> {
  const given = settings.map(([name]) => name).filter((name) => flags[name] !== undefined);
  if (given.length > 0 && !flags.everything)
    throw new Problem({
      what: flagOf(given[0]!),
      found: "no --everything",
      expected: "both",
      todo: "The setting is one of automatic masks.",
    });
  return Object.fromEntries(given.map((name) => [name, flags[name]]));
}

/** @throws Problem for both nothing and more than one kind of question */
export function checkQuestion({ point, box, prompts, everything, multimask, singleMask }: SamFlags): void {
  const asked = [
    ...(point.length + box.length > 0 ? ["--point or --box"] : []),
    ...(prompts !== undefined ? ["--prompts"] : []),
    ...(everything ? ["--everything"] : []),
  ];
  const what = "what to look for";
  if (asked.length === 0)
    throw new Problem({ what, found: "no prompt", expected: "--point, --box, --prompts or --everything" });
  if (asked.length > 1)
    throw new Problem({
      what,
      found: asked.join(" and "),
      expected: "one of them",
      todo: "A file of prompts may hold points and boxes, too.",
    });
  if (everything && (multimask || singleMask))
    throw new Problem({
      what: multimask ? "--multimask" : "--single-mask",
      found: "--everything",
      expected: "prompts",
      todo: "Automatic masks are chosen among three by themselves.",
    });
}

export function choiceOf({ multimask, singleMask }: SamFlags): MaskChoice {
  return multimask ? "multimask" : singleMask ? "single" : "best";
}

/** `png`, `rle`, `overlay`, several of them with commas, or `all`. */
export function readFormats(text: string): ReadonlySet<MaskFormat> {
  const words = text.split(",");
  const chosen = words.flatMap((word) => (word === "all" ? formats : formats.filter((format) => format === word)));
  if (words.every((word) => word === "all" || (formats as readonly string[]).includes(word))) return new Set(chosen);
  throw new InvalidArgumentError(`expected ${formats.join(", ")}, several with commas between, or all`);
}

function readPoint(text: string): LabelledPoint {
  const numbers = readNumbers(text);
  const [x, y, label = 1] = numbers;
  if ((numbers.length === 2 || numbers.length === 3) && (label === 0 || label === 1)) return { at: [x!, y!], label };
  throw new InvalidArgumentError("expected x,y or x,y,label, the label 1 (what is meant) or 0 (what is not)");
}

function readBox(text: string): PromptBox {
  const numbers = readNumbers(text);
  if (numbers.length === 4) return numbers as unknown as PromptBox;
  throw new InvalidArgumentError("expected x0,y0,x1,y1: left, top, right, bottom");
}

/** Empty where one of them is no number. */
function readNumbers(text: string): number[] {
  const numbers = text.split(",").map((part) => (/^\s*-?(\d+\.?\d*|\.\d+)\s*$/.test(part) ? Number(part) : Number.NaN));
  return numbers.some(Number.isNaN) ? [] : numbers;
}

const collect =
  <T>(read: (text: string) => T) =>
  (text: string, before: readonly T[]): readonly T[] => [...before, read(text)];

export function numeric(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("expected a number");
}

export function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a whole number");
}

export function share(text: string): number {
  const value = numeric(text);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("expected a number, 0 to 1");
}
