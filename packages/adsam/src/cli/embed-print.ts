import type { Dataset } from "../data/dataset.js";
import { diskSize } from "../data/embeddings/disk-space.js";
import type { EmbeddingStore } from "../data/embeddings/store.js";
import type { EmbedPlan, EmbedSummary } from "../embed/embed-dataset.js";
import { duration } from "../train/duration.js";
import { counted } from "./data-print.js";
import type { Output } from "./output.js";
import { type ProgressLine, progressLine } from "./progress-line.js";

/** What is to be done and how much room it takes, on stderr before it begins. */
export function printPlan(
  plan: EmbedPlan,
  { datasets, store, mirror }: { datasets: readonly Dataset[]; store: EmbeddingStore; mirror: boolean },
  output: Output,
): void {
  const { pictures, embeddings, stored, missing, totalBytes, missingBytes, freeBytes } = plan;
  const { encoder, storage } = store.description;
  const name = `${datasets[0]!.name}, ${datasets.map(({ split }) => split).join(" + ")}`;
  const each = `${storage.shape.join("×")} in ${storage.dtype}`;
  const with_ = mirror ? "with their mirror images" : "without mirror images";
  output.note(
    `${name}: ${counted(pictures, "picture")} ${with_} are ${counted(embeddings, "embedding")} by ${encoder.name}, ${each}: ${diskSize(totalBytes)}`,
  );
  const free = freeBytes === undefined ? "" : ` of ${diskSize(freeBytes)} free`;
  output.note(
    missing === 0
      ? "All of them are stored already."
      : `${stored} there already, ${missing} to compute: ${diskSize(missingBytes)}${free} in ${store.folder}`,
  );
}

/** What was done. */
export function printEmbedSummary(summary: EmbedSummary, store: EmbeddingStore, output: Output): void {
  const { bold } = output.colours;
  const { pictures, embeddings, stored, seconds, error, damaged, failed, complete } = summary;
  output.line(
    `${bold(counted(embeddings, "embedding"))} of ${counted(pictures, "picture")}: ${summary.new} new, ${stored} there already, in ${duration(seconds)}`,
  );
  output.line(`Store: ${diskSize(summary.storeBytes)} in ${store.folder}`);
  if (error)
    output.line(
      `Storing in ${store.description.storage.dtype} changes an embedding by ${percent(error.mean)} (relative L2; at most ${percent(error.largest)})`,
    );
  if (damaged > 0) output.line(`${counted(damaged, "stored embedding")} found damaged and dropped`);
  if (failed.length > 0) output.line(`${counted(failed.length, "file")} not embedded`);
  if (!complete) output.line("Stopped before the last picture; run the same command again to go on.");
}

/** A bar for looking at the files, then one for computing, with speed and time left. */
export function embedProgress(output: Output) {
  let bar: ProgressLine | undefined;
  let [phase, start] = ["", 0];
  const end = (): void => bar?.end();
  return {
    update(now: "looking" | "embedding", done: number, total: number): void {
      if (now !== phase) {
        end();
        [phase, start] = [now, performance.now()];
        bar = progressLine(output, now === "looking" ? "looking at pictures" : "embedding");
      }
      const seconds = (performance.now() - start) / 1000;
      const rate = done / Math.max(seconds, 0.001);
      const left = now === "embedding" && done > 0 ? `, ${duration((total - done) / rate)} left` : "";
      bar?.update(done, total, `${rate.toFixed(rate < 10 ? 2 : 0)} pictures/s${left}`);
    },
    end,
  };
}

const percent = (share: number): string => `${(100 * share).toPrecision(2)} %`;
