import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Cell } from "../src/study/cells.js";
import { whyBehind } from "../src/study/report/behind.js";
import type { StudyRun, StudyScores } from "../src/study/results.js";

const names = ["road", "pavement", "sky"];

/** Scores as a confusion matrix gives them: a row a label. */
function scoresOf(...rows: readonly (readonly number[])[]): StudyScores {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const perClass = names.map((name, k) => {
    const [pixels, taken, right] = [sum(rows[k]!), sum(rows.map((row) => row[k]!)), rows[k]![k]!];
    return { name, iou: pixels + taken === 0 ? null : right / (pixels + taken - right), pixels };
  });
  const ious = perClass.flatMap(({ iou }) => iou ?? []);
  const mIoU = sum(ious) / ious.length;
  const confusion = { numClasses: names.length, counts: rows.flat() };
  const of = { dataset: "There", split: "val", pictures: 2 };
  return { ...of, mIoU, pixelAccuracy: 0.5, frequencyWeightedIoU: 0.5, perClass, confusion };
}

const runOf = (system: string, scores: StudyScores, seed: number): StudyRun => ({
  ...{ id: `${system}-${seed}`, system, train: "Here", seed, budget: { minutes: 3 }, recipeHash: "0" },
  curve: [],
  scores: [scores],
});

const cellOf = (system: string, ...seeds: readonly StudyScores[]): Cell => ({
  ...{ system, train: "Here", budget: { minutes: 3 }, trainPictures: null },
  runs: seeds.map((scores, seed) => runOf(system, scores, seed)),
});

const good = scoresOf([90, 10, 0], [20, 80, 0], [0, 0, 100]);

describe("why a system is behind", () => {
  test("names the class that costs most, what it is taken for, and what is left without it", () => {
    const own = cellOf("own", scoresOf([100, 0, 0], [70, 30, 0], [0, 0, 100]));
    assert.equal(
      whyBehind(own, cellOf("other", good), "There"),
      "Most is lost in pavement (IoU 30.0 % against 72.7 %; −8.1 points without it): it calls 70.0 % of it road, the other 20.0 %.",
    );
  });

  test("a class is also lost by what else is taken for it", () => {
    const own = cellOf("own", scoresOf([90, 10, 0], [20, 80, 0], [0, 50, 50]));
    assert.match(
      whyBehind(own, cellOf("other", good), "There")!,
      /lost in sky .*: it calls 50\.0 % of it pavement, the other 0\.0 %\.$/,
    );
    const more = cellOf("own", scoresOf([50, 10, 40], [20, 80, 0], [0, 0, 10]));
    const less = cellOf("other", scoresOf([90, 10, 0], [20, 80, 0], [0, 0, 10]));
    assert.match(whyBehind(more, less, "There")!, /lost in sky .*: it calls 40\.0 % of road sky, the other 0\.0 %\.$/);
  });

  test("counts and IoUs are means over the seeds", () => {
    const half = cellOf("own", good, scoresOf([90, 10, 0], [20, 80, 0], [50, 0, 50]));
    const why = whyBehind(half, cellOf("other", good, good), "There")!;
    assert.match(why, /^Most is lost in sky \(IoU 75\.0 % against 100\.0 %/);
    assert.match(why, /it calls 25\.0 % of it road, the other 0\.0 %\.$/);
  });

  test("says nothing where no class is lower, and no mistake where none was counted", () => {
    assert.equal(whyBehind(cellOf("own", good), cellOf("other", good), "There"), null);
    assert.equal(whyBehind(cellOf("own", good), cellOf("other", good), "Elsewhere"), null);
    const { confusion: _, ...uncounted } = scoresOf([100, 0, 0], [70, 30, 0], [0, 0, 100]);
    assert.match(whyBehind(cellOf("own", uncounted), cellOf("other", good), "There")!, /points without it\)\.$/);
  });

  test("classes that one of the two data sets lacks have no part in it", () => {
    const own = cellOf("own", scoresOf([100, 0, 0], [100, 0, 0], [0, 0, 0]));
    const other = cellOf("other", scoresOf([100, 0, 0], [0, 100, 0], [0, 0, 0]));
    assert.match(
      whyBehind(own, other, "There")!,
      /^Most is lost in pavement \(IoU 0\.0 % against 100\.0 %; −50\.0 points without it\)/,
    );
  });
});
