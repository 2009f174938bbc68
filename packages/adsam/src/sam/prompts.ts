import { Problem } from "@adsam/torch/problem";
import type { Size } from "../data/picture.js";
import { checkPrompt, type SamPrompt } from "../models/sam/prompt.js";

/** A point as `--point` gives it. */
export interface LabelledPoint {
  readonly at: readonly [x: number, y: number];
  /** 1 is on what is meant, 0 is not. */
  readonly label: 0 | 1;
}
export type PromptBox = NonNullable<SamPrompt["box"]>;

/** The same prompts for every picture, or for each picture its own, by the picture's file name or the end of its path. */
export type PromptList = readonly SamPrompt[] | ReadonlyMap<string, readonly SamPrompt[]>;

/**
 * The prompts of a command line. All points together are one prompt, with the box where there is one; each of several boxes is a prompt.
 * @throws Problem for points beside several boxes, which might belong to any of them
 */
export function promptsOfFlags(points: readonly LabelledPoint[], boxes: readonly PromptBox[]): SamPrompt[] {
  if (points.length === 0) return boxes.map((box) => ({ box }));
  if (boxes.length > 1)
    throw new Problem({
      what: "prompts",
      found: `--point beside ${boxes.length} times --box`,
      expected: "points with one box at most, which together are one prompt",
      todo: "Give the boxes in one call and the points in another, or list all prompts in a file for --prompts.",
    });
  const pointCoords = points.map(({ at }) => at);
  const pointLabels = points.map(({ label }) => label);
  return [{ pointCoords, pointLabels, ...(boxes[0] && { box: boxes[0] }) }];
}

/**
 * For each picture its prompts.
 * @param files absolute paths of the pictures
 * @throws Problem for a picture without prompts, and for prompts without a picture
 */
export function promptsByPicture(list: PromptList, files: readonly string[]): (readonly SamPrompt[])[] {
  if (!(list instanceof Map)) return files.map(() => list as readonly SamPrompt[]);
  const byName = list as ReadonlyMap<string, readonly SamPrompt[]>;
  const used = new Set<string>();
  const found = files.map((file) => {
    const path = `/${file.replaceAll("\\", "/")}`;
    const names = [...byName.keys()].filter((name) => path.endsWith(`/${name}`));
    const name = names.sort((a, b) => b.length - a.length)[0];
    if (name === undefined)
      throw new Problem({
        what: "--prompts",
        found: `no prompts for "${file}"`,
        expected: "a key for each picture: its file name, or the end of its path",
        todo: "Add it, or leave the picture out.",
      });
    for (const one of names) used.add(one);
    return byName.get(name)!;
  });
  const idle = [...byName.keys()].find((name) => !used.has(name));
  if (idle !== undefined)
    throw new Problem({
      what: "--prompts",
      found: `prompts for "${idle}"`,
      expected: "keys that are pictures of this call",
      todo: "Name that picture, too, or correct the key.",
    });
  return found;
}

/** @throws Problem that names picture and prompt, for one that lies outside, asks nothing, or is none */
export function checkPrompts(prompts: readonly SamPrompt[], picture: string, size: Size): void {
  for (const [i, prompt] of prompts.entries()) {
    const number = prompts.length > 1 ? ` ${i + 1}` : "";
    checkPrompt(prompt, size, { maskSize: 0, name: `prompt${number} for "${picture}"` });
  }
}
