/** Where the data sets of a study stand on this machine: named by the command line, by the study, or made in the study's folder. */
import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Problem } from "@adsam/torch/problem";
import type { Claims } from "../../data/embeddings/claims.js";
import { isFile, writeWhole } from "../../data/files.js";
import type { ClassTable } from "../../data/labels.js";
import { openDataset } from "../../data/open.js";
import { writeSyntheticDataset } from "../../data/synthetic/write.js";
import { nearestKey, show } from "../../train/recipe-fields.js";
import { absolute } from "../../train/recipe-file.js";
import { readerOf } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import { requireClasses, requireParts } from "./fits-data.js";
import type { StudyFolder } from "./layout.js";
import { readJson } from "./record.js";

/** Data set → its folder. */
export type Roots = ReadonlyMap<string, string>;

/** Data sets that can be read. */
export interface ReadyData {
  readonly roots: Roots;
  readonly classes: ReadonlyMap<string, ClassTable>;
}

/**
 * What `--data NAME=FOLDER` says, as often as it was given.
 * @throws Problem for a word of another form, and for a data set that the study does not have
 */
export function givenRoots(study: Study, words: readonly string[]): Roots {
  const names = Object.keys(study.data);
  return new Map(
    words.map((word) => {
      const [, name, folder] = /^([^=]+)=(.+)$/.exec(word) ?? [];
      if (name === undefined || folder === undefined)
        throw new Problem({
          what: "--data",
          found: `"${word}"`,
          expected: `NAME=FOLDER, where NAME is ${oneOf(names)}`,
        });
      if (!names.includes(name)) {
        const near = nearestKey(name, names);
        throw new Problem({
          what: `--data ${word}`,
          found: `the unknown data set "${name}"`,
          expected: oneOf(names),
          ...(near !== undefined && names.includes(near) && { todo: `Did you mean "${near}"?` }),
        });
      }
      return [name, path.resolve(folder)];
    }),
  );
}

const oneOf = (names: readonly string[]) => (names.length === 1 ? names[0]! : `one of ${names.join(", ")}`);

/** Folders that need no making: given now, named by the study, or given to it before. Left out: data sets without one. */
export function knownRoots(study: Study, folder: StudyFolder, given: Roots): Map<string, string> {
  const before = readJson<Record<string, string>>(folder.roots) ?? {};
  const roots = new Map<string, string>();
  for (const [name, { kind, root }] of Object.entries(study.data)) {
    const own = root === undefined ? undefined : absolute(root, path.dirname(path.resolve(study.file)));
    const remembered = before[name] !== undefined && existsSync(before[name]) ? before[name] : undefined;
    const place = kind === "synthetic" ? folder.data(name) : (given.get(name) ?? own ?? remembered);
    if (place !== undefined) roots.set(name, place);
  }
  return roots;
}

/**
 * Every data set wanted, ready to be read: scenes drawn, splits there, classes checked; their colours are written down for the report.
 * @throws Problem for one without a folder, one that cannot be read, a part that is all of a split, and a class that no data set has
 */
export async function prepareData(
  study: Study,
  folder: StudyFolder,
  {
    wanted,
    given,
    claims,
    onDraw,
    signal,
  }: {
    readonly wanted: readonly string[];
    readonly given: Roots;
    readonly claims: Claims;
    readonly onDraw: (name: string, done: number, total: number) => void;
    readonly signal?: AbortSignal;
  },
): Promise<ReadyData> {
  const roots = knownRoots(study, folder, given);
  const without = wanted.filter((name) => !roots.has(name));
  if (without.length > 0)
    throw new Problem({
      what: `data set ${without.map((name) => `"${name}"`).join(", ")} of the study`,
      found: "no folder",
      expected: "where it stands on this machine",
      todo: `Add ${without.map((name) => `--data ${name}=FOLDER`).join(" ")}, or choose runs without it by --only.`,
    });
  const ready = new Map<string, string>();
  const tables = new Map<string, ClassTable>();
  for (const name of wanted) {
    const { trainSplit, valSplit } = study.data[name]!;
    const kind = readerOf(study.data[name]!);
    const root = roots.get(name)!;
    if (study.data[name]!.draw) await drawn(study, name, root, { claims, onDraw, ...(signal && { signal }) });
    const { classes } = await openDataset({ kind, root, split: valSplit });
    if (Object.values(study.experiments).some(({ asks, train }) => asks !== "efficiency" && train.includes(name)))
      requireParts(study, name, (await openDataset({ kind, root, split: trainSplit })).samples.length);
    ready.set(name, root);
    tables.set(name, classes);
  }
  const before = readJson<Record<string, object>>(folder.colours) ?? {};
  requireClasses(study, (name) => tables.get(name)?.names ?? (before[name] && Object.keys(before[name])));
  const kept = Object.fromEntries([...roots].filter(([name]) => study.data[name]!.kind !== "synthetic"));
  await writeWhole(folder.roots, `${JSON.stringify(kept, null, 2)}\n`);
  const colours = Object.fromEntries([...tables].map(([name, table]) => [name, coloursOf(table)]));
  await writeWhole(folder.colours, `${JSON.stringify({ ...before, ...colours })}\n`);
  return { roots: ready, classes: tables };
}

const coloursOf = ({ names, colours }: ClassTable) => Object.fromEntries(names.map((name, id) => [name, colours[id]]));

/** Draws scenes once: a second process waits for the first. */
async function drawn(
  study: Study,
  name: string,
  root: string,
  {
    claims,
    onDraw,
    signal,
  }: { claims: Claims; onDraw: (name: string, done: number, total: number) => void; signal?: AbortSignal },
): Promise<void> {
  const { draw } = study.data[name]!;
  for (;;) {
    if (await isFile(path.join(root, "synthetic.json"))) {
      const there = readJson<Record<string, unknown>>(path.join(root, "synthetic.json"))!;
      const differs = (["domain", "train", "val", "seed", "size"] as const).filter(
        (key) => draw![key] !== undefined && !isDeepStrictEqual(there[key], draw![key]),
      );
      if (differs.length === 0) return;
      const said = (of: Record<string, unknown>) => differs.map((key) => `${key} ${show(of[key])}`).join(", ");
      throw new Problem({
        what: `scenes in "${root}"`,
        found: said(there),
        expected: said(draw!),
        todo: "Delete the folder to draw them again, or name another with --out.",
      });
    }
    const claim = claims.take(`data-${name}`);
    if (claim)
      try {
        await writeSyntheticDataset({
          ...draw!,
          root,
          onProgress: (done: number, total: number) => onDraw(name, done, total),
        } as never);
        return;
      } finally {
        claim.release();
      }
    if (signal?.aborted) return;
    await sleep(500);
  }
}
