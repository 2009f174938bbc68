/** A part of a plan, by words that its ids or its experiments hold: `sam.camvid` begins where a part of an id does, and is not in `ad-sam.camvid`. */
import { Problem } from "@adsam/torch/problem";
import type { StudyPlan } from "./plan.js";
import type { Study } from "./read.js";

/**
 * @param words each a name of a system, a data set trained on or an experiment, or a piece of an id; a run is kept where every word fits
 * @throws Problem where nothing is left
 */
export function only(study: Study, plan: StudyPlan, words: readonly string[]): StudyPlan {
  if (words.length === 0) return plan;
  const experiments = Object.keys(study.experiments);
  const fits = (id: string, names: readonly string[]) =>
    words.every((word) => names.includes(word) || (!isName(study, word) && holds(id, word)));
  const measured = experiments.filter((name) => study.experiments[name]!.asks === "efficiency");
  const kept = {
    runs: plan.runs.filter((run) => fits(run.id, [run.system, run.train, ...run.experiments])),
    measures: plan.measures.filter(({ id, system, data }) => fits(id, [system, data, ...measured])),
  };
  if (kept.runs.length > 0 || kept.measures.length > 0) return kept;
  throw new Problem({
    what: `--only ${words.join(" ")}`,
    found: "no run that fits",
    expected: `systems (${Object.keys(study.systems).join(", ")}), data sets (${Object.keys(study.data).join(", ")}), experiments (${experiments.join(", ")}), or a piece of a run's id`,
    todo: "--dry-run lists the ids.",
  });
}

const holds = (id: string, word: string): boolean =>
  word.includes(".") ? `.${id}`.includes(`.${word}`) : id.includes(word);

/** A whole name means itself: `sam` is not `ad-sam`. */
const isName = ({ systems, data, experiments }: Study, word: string): boolean =>
  [systems, data, experiments].some((all) => Object.hasOwn(all, word));
