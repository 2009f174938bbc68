/** How a run is scored: the words of `adsam eval`, and what of them decides the scores. */
import path from "node:path";
import { lastCheckpoint } from "../../train/run-folder.js";
import { type PlannedRun, readerOf } from "../plan/plan.js";
import type { Study } from "../plan/read.js";

/** The weights that a study scores. */
export const scoredCheckpoint = ({ checkpoint }: Pick<Study, "checkpoint">, out: string): string =>
  checkpoint === "best" ? path.join(out, "best.pth") : lastCheckpoint(out);

/** Words that say what is scored and how, wherever the data stand. */
export function scoringWords(study: Study, run: PlannedRun, test: string): string[] {
  const { valSplit, limitVal } = study.data[test]!;
  const { crf, ttaMirror, ttaScales } = study.evaluate;
  return [
    ...["--kind", readerOf(study.data[test]!), "--split", valSplit],
    ...(limitVal === undefined ? [] : ["--limit", String(limitVal)]),
    ...(crf ? ["--crf"] : []),
    ...(ttaMirror ? ["--tta-mirror"] : []),
    ...(ttaScales === undefined ? [] : ["--tta-scales", ttaScales.join(",")]),
    ...(test === run.train ? [] : ["--label-map", run.labelMaps[test]!]),
    ...["--boundary", "--confusion", "--per-picture", "--json"],
  ];
}

/** What scores are of; those of anything else are none of this study's. */
export function scoringOf(study: Study, run: PlannedRun, test: string): string {
  const { kind, draw } = study.data[test]!;
  const drawn = draw === undefined ? "" : ` ${JSON.stringify(draw)}`;
  return [study.checkpoint, test, kind + drawn, ...scoringWords(study, run, test)].join(" ");
}

/** Of each place the first seed keeps its pictures, for the report; parts of a training split and ablations keep none. */
export function keepsPictures(study: Study, { system, budget, seed }: PlannedRun): boolean {
  return budget.pictures === undefined && study.systems[system]!.kind !== "ablation" && seed === study.seeds[0];
}
