/** What the words of a command line stand for: pictures, folders of them, patterns, videos. */
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { glob, isDynamicPattern } from "tinyglobby";
import { isFile, isFolder, listFiles } from "../data/files.js";
import { pictureExtensions } from "../data/picture.js";
import { outputNames } from "./names.js";

export interface PredictionInput {
  /** Absolute. */
  readonly file: string;
  readonly kind: "picture" | "video";
  /** What its outputs are called, before `_ids.png` and the like; unique, perhaps with folders, `/` between them. */
  readonly name: string;
}

/** Extensions taken for videos, lower case. */
export const videoExtensions: ReadonlySet<string> = new Set([
  ".mp4",
  ".m4v",
  ".mov",
  ".mkv",
  ".webm",
  ".avi",
  ".ts",
  ".mts",
  ".mpg",
  ".mpeg",
  ".wmv",
  ".flv",
  ".ogv",
]);

/** How the outputs of a run end. */
const outputEnd = /_(ids\.png|overlay\.(png|jpg|mp4))$/;

interface Found {
  readonly file: string;
  readonly base: string;
}

/**
 * Every picture and video that the words name, each once, in the order of the words. Folders are searched to the bottom by
 * extension; a file named by itself is taken whatever its extension. What an earlier run left in `out` is no input.
 * @param words files, folders, or glob patterns (`*`, `**`, `?`, `{a,b}`, `[0-9]`) for shells that leave them alone
 * @throws Problem for a word that names nothing
 */
export async function findInputs(words: readonly string[], out: string): Promise<PredictionInput[]> {
  const found = new Map<string, Found>();
  for (const word of words)
    for (const one of await look(word, path.resolve(out))) if (!found.has(one.file)) found.set(one.file, one);
  const inputs = [...found.values()];
  const names = outputNames(inputs);
  return inputs.map(({ file }, i) => ({ file, kind: kindOf(file), name: names[i]!.split(path.sep).join("/") }));
}

async function look(word: string, out: string): Promise<Found[]> {
  if (await isFile(word)) {
    const file = path.resolve(word);
    return [{ file, base: path.dirname(path.dirname(file)) }];
  }
  const wanted = (file: string): boolean => isInput(file) && !(file.startsWith(out + path.sep) && outputEnd.test(file));
  if (await isFolder(word)) {
    const base = path.resolve(word);
    const files = (await listFiles(base)).map((relative) => path.join(base, relative)).filter(wanted);
    if (files.length > 0) return files.map((file) => ({ file, base }));
    throw nothing(word, "a folder without pictures or videos");
  }
  if (!isDynamicPattern(word)) throw nothing(word, "no such file or folder");
  const pattern = process.platform === "win32" ? word.replaceAll("\\", "/") : word;
  const matches = await glob(pattern, { absolute: true, onlyFiles: true, expandDirectories: false });
  const files = matches
    .map((file) => path.normalize(file))
    .filter(wanted)
    .sort();
  if (files.length > 0) return files.map((file) => ({ file, base: fixedPart(pattern) }));
  throw nothing(word, "a pattern that no picture or video matches");
}

/** The folder that a pattern names before its first wildcard. */
function fixedPart(pattern: string): string {
  const parts = pattern.split("/");
  const wild = parts.findIndex((part) => isDynamicPattern(part));
  return path.resolve(parts.slice(0, wild).join("/") || (pattern.startsWith("/") ? "/" : "."));
}

const extension = (file: string): string => path.extname(file).toLowerCase();
const isInput = (file: string): boolean =>
  pictureExtensions.has(extension(file)) || videoExtensions.has(extension(file));
const kindOf = (file: string): "picture" | "video" => (videoExtensions.has(extension(file)) ? "video" : "picture");

function nothing(word: string, found: string): Problem {
  const kinds = [...pictureExtensions, ...videoExtensions].map((end) => end.slice(1)).join(", ");
  return new Problem({
    what: `input "${word}"`,
    found,
    expected: `a picture, a video, a folder of them, or a quoted pattern such as "frames/**/*.png"`,
    todo: `Folders and patterns are searched for ${kinds}.`,
  });
}
