/** How a run is scored: the words of `adsam eval`, and what of them decides the scores. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { lastCheckpoint } from "../../train/run-folder.js";
import { sizeOf } from "../budget.js";
import { type PlannedRun, readerOf } from "../plan/plan.js";
import type { Study } from "../plan/read.js";

/** The weights that a study scores. */
export const scoredCheckpoint = ({ checkpoint }: Pick<Study, "checkpoint">, out: string): string =>
  checkpoint === "best" ? path.join(out, "best.pth") : lastCheckpoint(out);

/** Words that say what is scored and how, wherever the data stand. @param labelMap of a data set not trained on */
export function scoringWords(
  study: Study,
  run: PlannedRun,
  test: string,
  labelMap: string | undefined = run.labelMaps[test],
): string[] {
  const { valSplit, limitVal } = study.data[test]!;
  const isHome = test === run.train;
  const homeLimit = study.data[run.train]!.limitVal;
  const isPart = limitVal !== undefined || homeLimit !== undefined;
  const { crf, ttaMirror, ttaScales } = study.evaluate;
  return [
    ...["--kind", readerOf(study.data[test]!), "--split", valSplit],
    ...(limitVal === undefined ? [] : ["--limit", String(limitVal)]),
    ...(crf ? ["--crf"] : []),
    ...(ttaMirror ? ["--tta-mirror"] : []),
    ...(ttaScales === undefined ? [] : ["--tta-scales", ttaScales.join(",")]),
    ...(isHome ? [] : ["--label-map", labelMap!]),
    ...(isHome || !isPart ? [] : ["--retention-limit", String(homeLimit ?? "all")]),
    ...["--boundary", "--confusion", "--per-picture", "--json"],
  ];
}

/** What scores are of; those of anything else are none of this study's. */
export function scoringOf(study: Study, run: PlannedRun, test: string): string {
  const { kind, draw, limitVal } = study.data[test]!;
  const drawn = draw === undefined ? "" : ` ${JSON.stringify(draw)}`;
  const part = limitVal === undefined ? [] : ["of a part that all seeds share"];
  const map = run.labelMaps[test];
  const words = scoringWords(study, run, test, map !== undefined && path.isAbsolute(map) ? contentOf(map) : map);
  return [study.checkpoint, test, kind + drawn, ...part, ...words].join(" ");
}

/** In which words one scoring differs from another: `there --crf, here nothing`. */
export function scoringDifference(there: string, here: string): string {
  const [theirs, ours] = [there.split(" "), here.split(" ")];
  const without = (words: readonly string[], others: readonly string[]) =>
    words.filter((word) => !others.includes(word)).join(" ") || "nothing";
  return `there ${without(theirs, ours)}, here ${without(ours, theirs)}`;
}

/** A label map's file counts by what it says, wherever it stands. */
function contentOf(file: string): string {
  try {
    return `sha256:${createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 12)}`;
  } catch {
    return "a-file-that-cannot-be-read"; // no scores are of it; whoever scores is told
  }
}

/**
 * Of each place the first seed keeps its pictures, for the report; parts of a training split keep none where the study trains on more of it, and
 * ablations never.
 */
export function keepsPictures(study: Study, { system, train, budget, seed }: PlannedRun): boolean {
  const sizes = Object.values(study.experiments)
    .filter((experiment) => experiment.asks !== "efficiency" && experiment.train.includes(train))
    .flatMap(({ pictures = ["all"] }) => pictures.map((size) => (size === "all" ? Number.POSITIVE_INFINITY : size)));
  const isMost = sizeOf(budget) === Math.max(...sizes);
  return isMost && study.systems[system]!.kind !== "ablation" && seed === study.seeds[0];
}
