/** Where a study keeps what. All of it may stand on a disk that several machines share. */
import path from "node:path";

export interface StudyFolder {
  readonly root: string;
  readonly results: string;
  readonly claims: string;
  /** Of the report. */
  readonly report: string;
  /** Folders of data sets, as they were given last. */
  readonly roots: string;
  /** Colours of the classes of data sets. */
  readonly colours: string;
  /** Scenes drawn. */
  data(name: string): string;
  /** A training's own folder, with the study's record of it and its scores beside checkpoints and logs. */
  run(place: string): string;
  record(place: string): string;
  asked(place: string): string;
  scores(place: string, test: string): string;
  /** What a run sees, to look at. */
  pictures(place: string): string;
  measure(place: string): string;
  /** Why it could not be measured. */
  measureError(place: string): string;
}

export function studyFolder(root: string): StudyFolder {
  const run = (place: string) => path.join(root, "runs", place);
  return {
    root,
    results: path.join(root, "results.json"),
    claims: path.join(root, "claims"),
    report: path.join(root, "report"),
    roots: path.join(root, "data.json"),
    colours: path.join(root, "colours.json"),
    data: (name) => path.join(root, "data", name),
    run,
    record: (place) => path.join(run(place), "run.json"),
    asked: (place) => path.join(run(place), "asked.yaml"),
    scores: (place, test) => path.join(run(place), "scores", `${test}.json`),
    pictures: (place) => path.join(run(place), "pictures"),
    measure: (place) => path.join(root, "efficiency", `${place}.json`),
    measureError: (place) => path.join(root, "efficiency", `${place}.error.json`),
  };
}

/** Where a study's results stand unless it is told: `studies/small`, `studies/small-quick`. */
export const usualFolder = ({ name, quick }: { readonly name: string; readonly quick: boolean }): string =>
  path.join("studies", quick ? `${name}-quick` : name);
