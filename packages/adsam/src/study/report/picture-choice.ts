/** Which pictures stand for a system: its best, its median and its worst, by mIoU, and one that all of them have predicted. */
import type { StudyPicture, StudyRun } from "../results.js";
import { cellsFor, type StudyView } from "./study-view.js";

export interface ChosenPicture {
  readonly system: string;
  readonly run: StudyRun;
  readonly picture: StudyPicture;
  readonly rank: "best" | "median" | "worst" | "same";
}

export interface PictureChoice {
  readonly train: string;
  /** System by system, best, median, worst. */
  readonly own: readonly ChosenPicture[];
  /** The subject's median picture as every system sees it; empty where not all have it. */
  readonly shared: readonly ChosenPicture[];
}

/** Of each data set's largest budget, and there of the lowest seed that kept pictures. */
export function choosePictures(view: StudyView): PictureChoice[] {
  return view.main.flatMap((task) => {
    const runs = cellsFor(view, task, "systems")
      .flatMap(({ runs }) => runs.find(({ pictures }) => (pictures?.length ?? 0) > 0) ?? [])
      .sort((a, b) => order(view, a) - order(view, b));
    const own = runs.flatMap(threeOf);
    return own.length === 0 ? [] : [{ train: task.train, own, shared: sharedOf(view, runs, own) }];
  });
}

const order = ({ looks }: StudyView, { system }: StudyRun): number => [...looks.keys()].indexOf(system);

function threeOf(run: StudyRun): ChosenPicture[] {
  const scored = run.pictures!.filter(({ mIoU }) => mIoU !== null).toSorted((a, b) => b.mIoU! - a.mIoU!);
  const places = { best: 0, median: Math.floor((scored.length - 1) / 2), worst: scored.length - 1 };
  const ranks = (["best", "median", "worst"] as const).filter(
    (rank, i, all) => all.findIndex((other) => places[other] === places[rank]) === i,
  );
  return ranks.flatMap((rank) => {
    const picture = scored[places[rank]];
    return picture ? [{ system: run.system, run, picture, rank }] : [];
  });
}

function sharedOf({ subject }: StudyView, runs: readonly StudyRun[], own: readonly ChosenPicture[]): ChosenPicture[] {
  const middle = own.find(({ system, rank }) => system === subject.id && rank === "median") ?? own[0];
  const all = runs.flatMap((run) => {
    const picture = run.pictures!.find(({ id }) => id === middle?.picture.id);
    return picture ? [{ system: run.system, run, picture, rank: "same" as const }] : [];
  });
  return runs.length > 1 && all.length === runs.length ? all : [];
}
