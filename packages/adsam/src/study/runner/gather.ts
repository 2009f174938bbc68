/** Finished runs taken over from folders that other machines filled, where no disk is shared. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Problem } from "@adsam/torch/problem";
import { listFiles, reasonOf, writeWhole } from "../../data/files.js";
import { savedCost } from "../efficiency/ask.js";
import type { PlannedRun, StudyPlan } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import { currentRecord } from "./collect-run.js";
import { scoringDifference, scoringOf } from "./evaluation.js";
import { type StudyFolder, studyFolder } from "./layout.js";
import { type RunRecord, readJson, readRecord, refuseOutdated } from "./record.js";
import { type SavedScores, savedScores, unscored } from "./score-run.js";
import { claimRun, studyClaims } from "./study-claims.js";

export interface GatherOptions {
  /** That takes them. */
  readonly folder: StudyFolder;
  readonly plan: StudyPlan;
  /** Folders of the same study. */
  readonly from: readonly string[];
  /** Takes the pictures that runs kept to look at, too. */
  readonly pictures: boolean;
}

/** `known`: it stood here before, scores and all. `unfinished`: begun in a folder, and finished in none. */
export type GatherEnd = "taken" | "known" | "unfinished";

/** Scores that a trained run lacks. */
export interface Unscored {
  readonly id: string;
  /** Title of the data set. */
  readonly on: string;
  /** In what those that a folder has differ from this study's scoring, which is why they were left. */
  readonly differs?: string;
}

export interface Gathered {
  /** Ids of runs, in the order of the plan. */
  readonly runs: Readonly<Record<GatherEnd, readonly string[]>>;
  /** Their checkpoints stayed where they were trained: only there they can be scored. */
  readonly unscored: readonly Unscored[];
  /** Ids of systems whose cost was taken. */
  readonly measured: readonly string[];
}

/**
 * Takes records, logs and scores; checkpoints stay where they were trained. A run that is here already is left as it is, but for scores
 * that it lacks.
 * @throws Problem for a folder that holds no study, results of another version of a recipe, and a run that was trained both here and there
 */
export async function gatherRuns(study: Study, { folder, plan, from, pictures }: GatherOptions): Promise<Gathered> {
  const sources = from.map(studyFolderThere);
  for (const [i, source] of sources.entries()) {
    refuseOutdated(source, plan.runs, "Gather what was done by this version of the study, or do those runs again.");
    for (const run of plan.runs) refuseTwo(run, source, [folder, ...sources.slice(0, i)]);
  }
  const ends = new Map<string, GatherEnd>();
  const measured: string[] = [];
  const claims = studyClaims(folder);
  try {
    for (const source of sources) {
      for (const run of plan.runs) {
        const record = currentRecord(source, run);
        if (record === undefined) continue;
        if (record.state !== "trained") {
          if (!ends.has(run.id)) ends.set(run.id, "unfinished");
          continue;
        }
        const claim = claimRun(claims, folder, run, "to take a finished run in its place");
        try {
          const isTaken = await takeRun(study, run, { source, folder, pictures });
          if (ends.get(run.id) !== "taken") ends.set(run.id, isTaken ? "taken" : "known");
        } finally {
          claim.release();
        }
      }
      for (const measure of plan.measures) {
        if (savedCost(source, measure) === undefined || savedCost(folder, measure) !== undefined) continue;
        await copyWhole(source.measure(measure.place), folder.measure(measure.place));
        measured.push(measure.id);
      }
      const colours = { ...readJson<object>(source.colours), ...readJson<object>(folder.colours) };
      await writeWhole(folder.colours, `${JSON.stringify(colours)}\n`);
    }
  } finally {
    claims.close();
  }
  const all = (end: GatherEnd) => plan.runs.flatMap(({ id }) => (ends.get(id) === end ? [id] : []));
  const isHere = ({ id }: PlannedRun) => ends.get(id) === "taken" || ends.get(id) === "known";
  return {
    runs: { taken: all("taken"), known: all("known"), unfinished: all("unfinished") },
    unscored: plan.runs.filter(isHere).flatMap((run) => unscoredOf(study, run, folder, sources)),
    measured,
  };
}

function unscoredOf(study: Study, run: PlannedRun, folder: StudyFolder, sources: readonly StudyFolder[]): Unscored[] {
  return unscored(study, folder, run).map((test) => {
    const others = sources
      .filter((source) => currentRecord(source, run) !== undefined)
      .flatMap((source) => readJson<SavedScores>(source.scores(run.place, test)) ?? []);
    const differs = others[0] && scoringDifference(others[0].of, scoringOf(study, run, test));
    return { id: run.id, on: study.data[test]!.title, ...(differs !== undefined && { differs }) };
  });
}

function studyFolderThere(root: string): StudyFolder {
  const folder = studyFolder(path.resolve(root));
  if (existsSync(path.join(folder.root, "runs")) || existsSync(path.join(folder.root, "efficiency"))) return folder;
  throw new Problem({
    what: `study folder "${root}"`,
    found: existsSync(folder.root) ? "neither runs nor measurements" : "no such folder",
    expected: "the folder of a study that was run",
  });
}

/**
 * @param before the folder that takes the runs, in which what is begun is in the way, too; then the others that were gathered
 * @throws Problem where another training stands in the place
 */
function refuseTwo(run: PlannedRun, source: StudyFolder, before: readonly StudyFolder[]): void {
  const there = currentRecord(source, run);
  if (there?.state !== "trained") return;
  for (const [i, folder] of before.entries()) {
    const here = readRecord(folder, run.place);
    if (here === undefined || isSameTraining(here, there) || (i > 0 && here.state !== "trained")) continue;
    throw new Problem({
      what: `study folders "${folder.run(run.place)}" and "${source.run(run.place)}"`,
      found: `two runs that claim one place: ${said(here)}, and ${said(there)}`,
      expected: "one run a place",
      todo: "Delete the folder of the one that is not to count.",
    });
  }
}

function said({ state, attempts }: RunRecord): string {
  const { machine, started } = attempts.at(-1)!;
  return `${state} on ${machine} at ${started}`;
}

/** Each attempt says when it was begun, and on what. */
const isSameTraining = (one: RunRecord, other: RunRecord): boolean => isDeepStrictEqual(one.attempts, other.attempts);

interface Taking extends Pick<GatherOptions, "folder" | "pictures"> {
  readonly source: StudyFolder;
}

/** The record comes last: a run half taken is none. @returns whether there was anything to take */
async function takeRun(study: Study, run: PlannedRun, { source, folder, pictures }: Taking): Promise<boolean> {
  const lacking = run.tests.flatMap((test) => {
    const scores = savedScores(study, source, run, test);
    return scores === undefined || savedScores(study, folder, run, test) !== undefined ? [] : [{ test, scores }];
  });
  const isNew = readRecord(folder, run.place) === undefined;
  if (isNew)
    for (const name of ["log.csv", "asked.yaml"])
      await copyWhole(path.join(source.run(run.place), name), path.join(folder.run(run.place), name));
  for (const { test, scores } of lacking) {
    const { pictures: kept, ...rest } = scores;
    const takesPictures = pictures && kept !== undefined && existsSync(source.pictures(run.place));
    if (takesPictures)
      for (const name of await listFiles(source.pictures(run.place)))
        await copyWhole(path.join(source.pictures(run.place), name), path.join(folder.pictures(run.place), name));
    const saved: SavedScores = takesPictures ? scores : rest;
    await writeWhole(folder.scores(run.place, test), `${JSON.stringify(saved)}\n`);
  }
  if (isNew) await copyWhole(source.record(run.place), folder.record(run.place));
  return isNew || lacking.length > 0;
}

/** A file that is not there is left out. */
async function copyWhole(from: string, to: string): Promise<void> {
  if (!existsSync(from)) return;
  const bytes = await readFile(from).catch((error: unknown) => {
    throw new Problem({ what: `"${from}"`, found: reasonOf(error), expected: "a file to take over" }, { cause: error });
  });
  await writeWhole(to, bytes);
}
