import path from "node:path";
import { stem } from "../data/files.js";

export interface Named {
  /** Absolute. */
  readonly file: string;
  /** The folder that was searched; for a file given by itself, the folder above its own. */
  readonly base: string;
}

/** Ever longer names of a file: its own, with its folders, with the searched folder, with its extension. */
const spellings: readonly ((input: Named) => string)[] = [
  ({ file }) => stem(path.basename(file)),
  ({ file, base }) => stem(path.relative(base, file)),
  ({ file, base }) => stem(path.join(path.basename(base), path.relative(base, file))),
  ({ file, base }) =>
    path.join(path.basename(base), stem(path.relative(base, file)) + path.extname(file).replace(".", "_")),
];

/**
 * What the outputs of each input are called, without suffix and extension: the file's own name, and only where two share one, with as
 * much of its folder as tells them apart. Letters' case does not tell names apart, as on some disks.
 */
export function outputNames(inputs: readonly Named[]): string[] {
  const names: string[] = inputs.map(() => "");
  const taken = new Set<string>();
  let open = inputs.map((_, i) => i);
  for (const spell of spellings) {
    const groups = new Map<string, number[]>();
    for (const i of open) {
      const key = spell(inputs[i]!).toLowerCase();
      groups.set(key, [...(groups.get(key) ?? []), i]);
    }
    open = [];
    for (const [key, group] of groups)
      if (group.length === 1 && !taken.has(key)) {
        names[group[0]!] = spell(inputs[group[0]!]!);
        taken.add(key);
      } else open.push(...group);
  }
  for (const i of open) {
    const name = spellings.at(-1)!(inputs[i]!);
    let count = 2;
    while (taken.has(`${name}-${count}`.toLowerCase())) count++;
    names[i] = `${name}-${count}`;
    taken.add(names[i]!.toLowerCase());
  }
  return names;
}
