/** Data sets of generated scenes in the layouts of the real ones, so that the readers of those read them. */
import { availableParallelism } from "node:os";
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { reasonOf, writeWhole } from "../files.js";
import { makeFolder } from "../make-folder.js";
import { InlinePool, type Pool, ThreadPool } from "../worker-pool.js";
import { writeReason } from "../write-reason.js";
import type { Domain } from "./conditions.js";
import { checkRequest } from "./generate.js";
import { type SceneFile, type WrittenScene, writeScene } from "./write-scene.js";

export interface SyntheticDatasetOptions {
  /** `structured` is written as Cityscapes, `diverse` as BDD100K. */
  readonly domain: Domain;
  /** Folder to write into; made if it is not there. Files of the same name are replaced. */
  readonly root: string;
  /** Number of pictures of each split. */
  readonly train: number;
  readonly val: number;
  /** Whole number below 2³². Other seeds give other streets. */
  readonly seed: number;
  /** Default 512×256 for `structured`, 480×270 for `diverse`. */
  readonly size?: { readonly width: number; readonly height: number };
  readonly onProgress?: (done: number, total: number) => void;
  /** Threads; 0 draws on the caller's own. Default: one a core, at most 8. */
  readonly workers?: number;
}

/** What `synthetic.json` in the root says. */
export interface SyntheticDataset {
  readonly generator: "adsam synthetic";
  /** Changes whenever the same seed gives other pixels. */
  readonly version: number;
  readonly domain: Domain;
  readonly seed: number;
  readonly size: { readonly width: number; readonly height: number };
  readonly train: number;
  readonly val: number;
  /** Number of pictures of each kind of scene, such as `tramway, overcast`. */
  readonly scenes: Readonly<Record<string, number>>;
}

export const generatorVersion = 1;
/** Scenes of the splits are numbered apart, so that a longer training set never runs into the validation set. */
const splitStride = 500_000;
const cities = { train: "lindental", val: "weidenau" } as const;

/**
 * Draws and writes both splits, each file whole or not at all, `synthetic.json` last.
 * @throws Problem for counts, seeds or sizes that make no sense, and for a folder that cannot be written.
 */
export async function writeSyntheticDataset(options: SyntheticDatasetOptions): Promise<SyntheticDataset> {
  const { domain, root, train, val, seed, onProgress } = options;
  const size = options.size ?? (domain === "diverse" ? { width: 480, height: 270 } : { width: 512, height: 256 });
  checkCount("training pictures", train);
  checkCount("validation pictures", val);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new Problem({ what: "synthetic data set", found: `the seed ${seed}`, expected: "a whole number below 2³²" });
  checkRequest({ domain, seed, size });
  const files = [...plan("train", train, options, size), ...plan("val", val, options, size)];
  await makeRoot(root);
  const threads = Math.min(options.workers ?? Math.min(8, availableParallelism()), files.length);
  const pool: Pool<SceneFile, WrittenScene> =
    threads > 0
      ? new ThreadPool(new URL("./write-worker.js", import.meta.url), undefined, threads)
      : new InlinePool(async (file) => ({ result: await writeScene(file) }));
  const scenes = new Map<string, number>();
  try {
    let done = 0;
    const tasks = files.map((file) => pool.run(file));
    for (const task of tasks) {
      const { description } = await task.result;
      scenes.set(description, (scenes.get(description) ?? 0) + 1);
      onProgress?.(++done, files.length);
    }
  } finally {
    await pool.close();
  }
  const written: SyntheticDataset = {
    generator: "adsam synthetic",
    version: generatorVersion,
    domain,
    seed,
    size,
    train,
    val,
    scenes: Object.fromEntries([...scenes].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  await writeWhole(path.join(root, "synthetic.json"), `${JSON.stringify(written, undefined, 2)}\n`);
  return written;
}

function plan(
  split: "train" | "val",
  count: number,
  { domain, root, seed }: SyntheticDatasetOptions,
  size: SceneFile["size"],
): SceneFile[] {
  return Array.from({ length: count }, (_, i) => {
    const number = String(i).padStart(6, "0");
    const scene = { domain, seed: seed * 2 * splitStride + (split === "val" ? splitStride : 0) + i, size };
    if (domain === "diverse") {
      const name = `${split}-${number}`;
      return {
        ...scene,
        picture: path.join(root, "images", "10k", split, `${name}.jpg`),
        label: path.join(root, "labels", "sem_seg", "masks", split, `${name}.png`),
        labelForm: "trainIds",
      };
    }
    const name = path.join(split, cities[split], `${cities[split]}_${number}_000019`);
    return {
      ...scene,
      picture: path.join(root, "leftImg8bit", `${name}_leftImg8bit.png`),
      label: path.join(root, "gtFine", `${name}_gtFine_labelIds.png`),
      labelForm: "labelIds",
    };
  });
}

async function makeRoot(root: string): Promise<void> {
  try {
    makeFolder(root);
  } catch (error) {
    const todo = "Name a folder that is not there yet, or one of yours.";
    throw new Problem(
      { what: `cannot write a data set into "${root}"`, found: writeReason(error) ?? reasonOf(error), todo },
      { cause: error },
    );
  }
}

function checkCount(what: string, count: number): void {
  if (Number.isInteger(count) && count >= 0 && count <= splitStride) return;
  throw new Problem({
    what: "synthetic data set",
    found: `${count} ${what}`,
    expected: `a whole number from 0 to ${splitStride}`,
  });
}
