import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { cellsOf, measuredMIoU } from "../src/study/cells.js";
import { jsonText } from "../src/study/json-text.js";
import { notesOnPictures } from "../src/study/notes.js";
import { parseStudyResults, readStudyResults, type StudyResults, type StudyScores } from "../src/study/results.js";
import { resultRows } from "../src/study/rows.js";
import { lead, tasksOf } from "../src/study/tasks.js";
import { madeUpResults } from "./study-results.js";

const changed = (change: (results: StudyResults) => void) => {
  const results = structuredClone(madeUpResults());
  change(results);
  return results;
};
const refused = (change: (results: StudyResults) => void, message: RegExp) =>
  assert.throws(() => parseStudyResults(changed(change), "results"), { name: "Problem", message });

describe("results of a study", () => {
  test("as text they are the same, a line a run and a row", () => {
    const { asked: _, ...others } = madeUpResults();
    const results = { ...others, notes: [] };
    const text = jsonText({ ...results, asked: undefined });
    assert.deepEqual(JSON.parse(text), results);
    const lines = text.trimEnd().split("\n");
    for (const run of results.runs)
      assert.ok(
        lines.some((line) => line.startsWith(` {"id":"${run.id}"`)),
        run.id,
      );
    const lists = Object.values(results).filter((value) => Array.isArray(value) && typeof value[0] === "object");
    const elements = lists.reduce((sum, list) => sum + (list as unknown[]).length + 1, 0);
    assert.equal(lines.length, 2 + Object.keys(results).length + elements);
  });

  test("are read back from JSON as they are", () => {
    const file = join(mkdtempSync(join(tmpdir(), "adsam-results-")), "results.json");
    writeFileSync(file, JSON.stringify(madeUpResults()));
    assert.deepEqual(readStudyResults(file), madeUpResults());
  });

  test("that are none are refused by file and place", () => {
    const file = join(mkdtempSync(join(tmpdir(), "adsam-results-")), "results.json");
    assert.throws(() => readStudyResults(file), { name: "Problem", message: /results\.json": found ENOENT/ });
    writeFileSync(file, "{}");
    assert.throws(() => readStudyResults(file), { name: "Problem", message: /found format: / });
    refused((results) => (results.runs[3]!.curve[0]!.valMIoU = 61), /runs\.3\.curve\.0\.valMIoU/);
  });

  test("of an unknown system, and a system named twice, are refused", () => {
    refused(
      (results) => (results.runs[0]!.system = "u-net"),
      /unknown system "u-net", expected one of ad-sam, deeplabv3/,
    );
    refused((results) => (results.systems[1] = results.systems[0]!), /the system "ad-sam" twice/);
  });

  test("two runs that claim one place are both named", () => {
    refused(
      (results) => results.runs.push({ ...results.runs[0]!, id: "again" }),
      /runs "ad-sam-camvid-60min-0" and "again" for one place \(ad-sam on CamVid, 60 min, seed 0\)/,
    );
  });

  test("seeds with another version of the recipe are refused", () => {
    refused((results) => {
      results.runs.find(({ id }) => id === "ad-sam-camvid-60min-1")!.recipeHash = "other";
    }, /different recipes \(\w+, other\), expected one recipe for ad-sam on CamVid, 60 min/);
  });

  test("a curve goes forward", () => {
    refused((results) => {
      results.runs[0]!.curve[1]!.minutes = 0.5;
    }, /epoch 2 at 0\.5 min after epoch 1 at 0\.9 min in run "ad-sam-camvid-60min-0"/);
  });

  test("a run without scores gives its reason, and a matrix has a row a class", () => {
    refused((results) => (results.runs[0]!.scores = []), /without scores/);
    refused((results) => results.runs[0]!.scores[0]!.confusion!.counts.pop(), /confusion matrix of 120 cells.*11 × 11/);
  });
});

describe("rows", () => {
  const results = madeUpResults();
  const rows = resultRows(results);
  const row = (metric: string, system = "ad-sam", minutes = 60) =>
    rows.find(
      (one) => one.metric === metric && one.system === system && one.train === "CamVid" && one.minutes === minutes,
    );

  test("hold the mean over the seeds with Student's interval", () => {
    const values = results.runs.flatMap(({ id, scores }) =>
      /^ad-sam-camvid-60min-\d$/.test(id) ? [scores[0]!.mIoU!] : [],
    );
    const mean = (values[0]! + values[1]! + values[2]!) / 3;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 2);
    const { value, low, seeds, study, test: data } = row("mIoU")!;
    assert.ok(Math.abs(value - mean) < 1e-12);
    assert.ok(Math.abs(mean - low! - (4.302652729911275 * deviation) / Math.sqrt(3)) < 1e-9);
    assert.deepEqual([seeds, study, data], [[0, 1, 2], "small", "CamVid"]);
  });

  test("cover classes, transfer, learning and what no run tells; a missing seed is left out of its cell", () => {
    assert.ok(row("iou.bicyclist") && row("minutesTo90") && row("area"));
    assert.equal(rows.find(({ metric, test: data }) => metric === "retention" && data === "IDD-Lite")?.train, "CamVid");
    assert.equal(rows.filter(({ metric }) => metric === "latency").length, 4);
    assert.deepEqual(row("mIoU", "sam-baseline")!.seeds, [0, 2]);
    assert.equal(rows.find((one) => one.metric === "mIoU" && one.pictures === 25)?.minutes, 20);
  });

  test("that the runs tell are not taken from elsewhere", () => {
    const wrong = { ...row("mIoU")!, value: 0.99 };
    const again = resultRows({ ...results, rows: [wrong] });
    assert.ok(again.every(({ value, metric }) => metric !== "mIoU" || value !== 0.99));
  });
});

describe("differences", () => {
  const cells = cellsOf(madeUpResults().runs);
  const cell = (system: string, train: string) =>
    cells.find(
      (one) => one.system === system && one.train === train && one.budget.minutes === 20 && !one.budget.pictures,
    )!;

  test("are better, inside the noise, or untold", () => {
    assert.equal(lead(cell("ad-sam", "CamVid"), cell("g-sam", "CamVid"), "CamVid")?.verdict, "better");
    assert.equal(
      lead(cell("ad-sam", "IDD-Lite"), cell("deeplabv3-resnet50", "IDD-Lite"), "IDD-Lite")?.verdict,
      "inside the noise",
    );
    assert.equal(lead(cell("ad-sam", "IDD-Lite"), cell("g-sam", "IDD-Lite"), "IDD-Lite")?.verdict, "untold");
  });

  test("of single seeds: pictures may tell that they are noise, never that they are not", () => {
    const counts = (right: number) =>
      Array.from({ length: 8 }, (_, i) => ({
        id: `${i}`,
        labelled: [100],
        predicted: [100],
        right: [right + 5 * (i % 3)],
      }));
    const one = (system: "ad-sam" | "g-sam", perPicture: ReturnType<typeof counts>) => {
      const { runs, ...rest } = cell(system, "CamVid");
      const [run] = runs;
      return { ...rest, runs: [{ ...run!, scores: [{ ...run!.scores[0]!, perPicture }] }] };
    };
    const [high, low] = [one("ad-sam", counts(80)), one("g-sam", counts(40))];
    assert.equal(lead(high, low, "CamVid")?.verdict, "untold");
    assert.ok(lead(high, low, "CamVid")!.interval!.low > 0);
    assert.equal(lead(high, one("g-sam", counts(80)), "CamVid")?.verdict, "inside the noise");
    assert.equal(measuredMIoU(high, "CamVid")?.over, "pictures");
  });

  const scored = (system: "ad-sam" | "g-sam", change: (scores: StudyScores) => StudyScores) => {
    const { runs, ...rest } = cell(system, "CamVid");
    const [run] = runs;
    return { ...rest, runs: [{ ...run!, scores: [change(run!.scores[0]!)] }] };
  };
  /** Ten pictures of which every class but the last has 60 to 80 of 100 pixels right, and the last is never predicted. */
  const counted = (more: number, name = "") =>
    Array.from({ length: 10 }, (_, i) => ({
      id: `${name}${i}`,
      labelled: [100, 100, 100],
      predicted: [100, 100, 0],
      right: [60 + more + 2 * i, 60 + more + i, 0],
    }));

  test("classes that a label map leaves out are in no interval, either", () => {
    const mapped = (system: "ad-sam" | "g-sam", more: number) =>
      scored(system, (scores) => ({
        ...scores,
        ...{ mIoU: 0.5 + more / 100, perPicture: counted(more) },
        perClass: ["road", "sky", "wall"].map((name) => ({ name, iou: 0.5, pixels: 1 })),
        labelMap: { map: "a map", appliedTo: "predictions" as const, leftOut: [{ name: "wall" }] },
      }));
    const [high, low] = [mapped("ad-sam", 10), mapped("g-sam", 0)];
    const { interval } = measuredMIoU(high, "CamVid")!;
    const iou = (right: number) => right / (200 - right);
    assert.ok(interval!.low < (iou(79) + iou(74.5)) / 2 && (iou(79) + iou(74.5)) / 2 < interval!.high);
    const gained = (iou(79) + iou(74.5) - iou(69) - iou(64.5)) / 2;
    const difference = lead(high, low, "CamVid")!;
    assert.ok(difference.interval!.low < gained && gained < difference.interval!.high);
    assert.equal(difference.over, "pictures");
    const rows = resultRows({ ...madeUpResults(), runs: high.runs, rows: [] }).map(({ metric }) => metric);
    assert.ok(rows.includes("iou.sky") && !rows.includes("iou.wall"));
  });

  test("scores on other pictures are not compared, and the reader is told", () => {
    const of = (system: "ad-sam" | "g-sam", name: string) =>
      scored(system, (scores) => ({ ...scores, perPicture: counted(0, name) }));
    assert.equal(lead(of("ad-sam", ""), of("g-sam", "other "), "CamVid"), null);
    assert.ok(lead(of("ad-sam", ""), of("g-sam", ""), "CamVid"));
    const runs = [...of("ad-sam", "").runs, ...of("g-sam", "other ").runs];
    assert.match(
      notesOnPictures(runs)[0]!,
      /^Of 2 runs scored on CamVid, 1 were scored on other pictures than the first/,
    );
    assert.deepEqual(notesOnPictures(runs.slice(1)), []);
  });

  test("tasks: all pictures first, the largest budget first", () => {
    const tasks = tasksOf(cells).map(({ train, budget }) => `${train} ${budget.minutes} ${budget.pictures ?? "all"}`);
    assert.deepEqual(tasks.slice(0, 3), ["CamVid 60 all", "CamVid 20 all", "CamVid 20 200"]);
    assert.equal(tasks.at(-1), "IDD-Lite 20 all");
  });
});
