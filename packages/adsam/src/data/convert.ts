/** A folder of labels turned into another form, on several threads. */
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import type { Conversion } from "./convert-label.js";
import { type ConvertJob, convertHandler } from "./convert-worker.js";
import { listFiles, stem } from "./files.js";
import type { FileProblem } from "./inspect-sample.js";
import { defaultWorkers } from "./loader.js";
import { pictureExtensions } from "./picture.js";
import { InlinePool, type Pool, ThreadPool } from "./worker-pool.js";

export interface ConversionReport {
  readonly written: number;
  readonly failed: readonly FileProblem[];
}

/**
 * Every picture file under a folder, in the same places under another. Files that cannot be converted are reported, the others written.
 * @throws Problem where the folder holds no pictures, or the two folders are one.
 */
export async function convertFolder(
  source: string,
  target: string,
  conversion: Conversion,
  {
    workers = defaultWorkers(),
    onProgress,
  }: { workers?: number; onProgress?: (done: number, total: number) => void } = {},
): Promise<ConversionReport> {
  if (path.resolve(source) === path.resolve(target)) {
    const todo = "Give the result a folder of its own; labels are never overwritten.";
    throw new Problem({ what: `convert "${source}"`, found: "the same folder as the target", todo });
  }
  const files = (await listFiles(source)).filter((file) => pictureExtensions.has(path.extname(file).toLowerCase()));
  if (files.length === 0)
    throw new Problem({ what: `convert "${source}"`, found: "no picture files", expected: "labels as pictures" });
  const pool: Pool<ConvertJob, string | null> =
    workers === 0
      ? new InlinePool(convertHandler(conversion))
      : new ThreadPool(new URL("./convert-worker.js", import.meta.url), { conversion }, workers);
  try {
    const tasks = files.map((file) => {
      const [from, to] = [path.join(source, file), path.join(target, `${stem(file)}.png`)];
      return { file: from, task: pool.run({ source: from, target: to }) };
    });
    const failed: FileProblem[] = [];
    for (const [i, { file, task }] of tasks.entries()) {
      const message = await task.result;
      if (message !== null) failed.push({ file, message });
      onProgress?.(i + 1, tasks.length);
    }
    return { written: files.length - failed.length, failed };
  } finally {
    await pool.close();
  }
}
