import { meanShares } from "../predict/shares.js";
import type { PredictionSummary } from "../predict/summary.js";
import { counted } from "./data-print.js";
import type { Output } from "./output.js";

/** A run of predictions for people: what the network saw, class by class, and where the results are. */
export function printPredictions(summary: PredictionSummary, out: string, output: Output): void {
  const { pictures, videos, failed, seconds, complete } = summary;
  const { bold, dim } = output.colours;
  const all = [...pictures, ...videos].map(({ shares }) => shares);
  if (all.length > 0) {
    const mean = Object.entries(meanShares(all)).sort(([, a], [, b]) => b - a);
    output.table(
      [{ title: "class" }, { title: "share", align: "right" }, { title: "files", align: "right" }],
      mean.map(([name, share]) => {
        const files = all.filter((shares) => shares[name]! > 0).length;
        const row = [name, percent(share), String(files)];
        return files === 0 ? row.map(dim) : row;
      }),
    );
    output.line();
  }
  const frames = videos.reduce((sum, video) => sum + video.predicted, 0);
  const seen = pictures.length + frames;
  const parts = [
    ...(pictures.length > 0 || videos.length === 0 ? [counted(pictures.length, "picture")] : []),
    ...(videos.length > 0 ? [`${counted(videos.length, "video")} (${counted(frames, "frame")} looked at)`] : []),
  ];
  const rate = seen / Math.max(seconds, 0.001);
  output.line(
    `${bold(parts.join(", "))} in ${seconds.toFixed(1)} s, ${rate.toFixed(rate < 10 ? 2 : 0)} a second: ${out}`,
  );
  const { notReplayed } = summary;
  if (notReplayed !== undefined) output.line(dim(`The GPU was given the network piece by piece: ${notReplayed}.`));
  if (failed.length > 0) output.line(`${counted(failed.length, "file")} not predicted; predictions.json lists them`);
  const { submission } = summary;
  if (submission && complete && failed.length === 0)
    output.line(
      `All of split "${submission.split}" in ${out}/${submission.folder}: pack the PNG files of that folder and send them.`,
    );
  if (!complete) output.line("Stopped before the last file; what is listed in predictions.json is done.");
}

function percent(share: number): string {
  return share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}
