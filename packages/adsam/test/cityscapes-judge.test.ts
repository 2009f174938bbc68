/**
 * Our IoU beside that of Cityscapes' own evaluation (github mcordts/cityscapesScripts, `evalPixelLevelSemanticLabeling.py`), on id
 * pictures as they are submitted. The predictions follow from the labels by a formula, see `pseudoPrediction`.
 *
 * The recorded figures are the script's own (commit 02a0f28, its NumPy branch), to six digits. Where a Python has the package, the last
 * test asks it again: `pip install cityscapesScripts`, or its sources in a folder that PYTHONPATH names.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readLabelIds } from "../src/data/label-png.js";
import { cityscapesClasses, cityscapesLabels, IGNORE, idToTrainId } from "../src/data/labels.js";
import type { LabelMap } from "../src/data/picture.js";
import { writeGrey } from "../src/data/write-png.js";
import { ConfusionMatrix } from "../src/metrics/confusion.js";
import { renumbered } from "../src/predict/label-ids.js";
import { submissionIds, submissionName } from "../src/predict/submission/form.js";
import { temporaryFolder } from "./data-fixtures.js";

const root = fileURLToPath(new URL("../../../../../shared/data/cityscapes", import.meta.url));
const absent = existsSync(root) ? false : `${root} is not there`;
const toTrainId = idToTrainId(cityscapesLabels);
const ids = submissionIds("cityscapes", cityscapesClasses);

/** Train ids: the label 2 rows above and 3 columns to the left, and (x + 7y) mod 19 where that is ignored or (31x + 17y) mod 23 is 0. */
function pseudoPrediction({ data, size }: LabelMap): LabelMap {
  const { height, width } = size;
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const there = toTrainId[data[Math.max(0, y - 2) * width + Math.max(0, x - 3)]!]!;
      out[y * width + x] = there === IGNORE || (31 * x + 17 * y) % 23 === 0 ? (x + 7 * y) % 19 : there;
    }
  return { data: out, size };
}

interface Pair {
  readonly label: string;
  readonly prediction: string;
}

/** Writes each label's prediction as it is submitted. */
async function submitted(t: TestContext, labels: readonly string[]): Promise<Pair[]> {
  const folder = await temporaryFolder(t);
  const pairs: Pair[] = [];
  for (const label of labels) {
    const prediction = path.join(folder, submissionName(label.replace("_gtFine_labelIds", "_leftImg8bit")));
    await writeGrey(prediction, renumbered(pseudoPrediction((await readLabelIds(label)) as LabelMap), ids));
    pairs.push({ label, prediction });
  }
  return pairs;
}

/** Our scores of the files: the submitted ids are read back. */
async function ourScores(pairs: readonly Pair[]): Promise<ConfusionMatrix> {
  const matrix = new ConfusionMatrix(19);
  for (const { label, prediction } of pairs) {
    const [guess, truth] = await Promise.all([readLabelIds(prediction), readLabelIds(label)]);
    const trained = (map: typeof guess) => Uint8Array.from(map.data, (id) => toTrainId[id]!);
    matrix.update(trained(guess), trained(truth));
  }
  return matrix;
}

function assertScores(matrix: ConfusionMatrix, perClass: readonly (number | null)[], mean: number): void {
  for (const [k, iou] of matrix.perClassIoU().entries()) {
    const expected = perClass[k]!;
    const same = iou === null || expected === null ? iou === expected : Math.abs(iou - expected) < 5e-5;
    assert.ok(same, `${cityscapesClasses.names[k]}: ${iou}, expected ${expected}`);
  }
  assert.ok(Math.abs(matrix.meanIoU()! - mean) < 5e-5, `mean ${matrix.meanIoU()}, expected ${mean}`);
}

/** 130×90 stripes of all 34 label ids. */
async function stripes(t: TestContext): Promise<string> {
  const [height, width] = [90, 130];
  const data = Uint8Array.from({ length: height * width }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return Math.floor((x + 2 * y) / 7) % 34;
  });
  const file = path.join(await temporaryFolder(t), "stripes_000000_000001_gtFine_labelIds.png");
  await writeGrey(file, { data, size: { height, width } });
  return file;
}

const realLabels = ["train/aachen/aachen_000000", "train/aachen/aachen_000001", "train/aachen/aachen_000002"]
  .concat("val/aachen/aachen_000003")
  .map((name) => path.join(root, "gtFine", `${name}_000019_gtFine_labelIds.png`));

// biome-ignore format: one row a group of classes
const recorded = {
  real: [
    0.94334, 0.847665, 0.915825, 0.460766, 0.559347, 0.316029, 0.138142, 0.594281, 0.89412, 0.805612,
    0.822273, 0.115859, 0.070723, 0.855619, 0, 0, 0, 0, 0.081739,
  ],
  stripes: [
    0.036649, 0.033613, 0.034639, 0.015193, 0.018307, 0.060429, 0.024845, 0.004044, 0.002026, 0.004053,
    0.00611, 0.004044, 0, 0.003261, 0, 0, 0.025373, 0, 0,
  ],
};

/** Prints { class: IoU } and the mean; the arguments are predictions and labels by turns. */
const judge = `
import json, sys, tempfile
from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling as judge
args = judge.args
args.evalInstLevelScore, args.quiet = False, True
args.exportFile = tempfile.mkdtemp() + "/result.json"
result = judge.evaluateImgLists(sys.argv[1::2], sys.argv[2::2], args)
print(json.dumps([result["classScores"], result["averageScoreClasses"]]).replace("NaN", "null"))`;

const pythons = ["/usr/bin/python3", "python3"];
const judgeModule = "cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling";
const python = pythons.find((name) => spawnSync(name, ["-c", `import ${judgeModule}`]).status === 0);
const noJudge = `no python3 imports ${judgeModule}: pip install cityscapesScripts, or PYTHONPATH=<its sources>`;

describe("Cityscapes' own evaluation", () => {
  test("all 34 label ids: the recorded figures", async (t) => {
    assertScores(await ourScores(await submitted(t, [await stripes(t)])), recorded.stripes, 0.014347);
  });

  test("the four real pairs: the recorded figures", { skip: absent }, async (t) => {
    assertScores(await ourScores(await submitted(t, realLabels)), recorded.real, 0.443228);
  });

  test("the package itself", { skip: !python && noJudge }, async (t) => {
    for (const labels of [[await stripes(t)], ...(absent ? [] : [realLabels])]) {
      const pairs = await submitted(t, labels);
      const files = pairs.flatMap(({ prediction, label }) => [prediction, label]);
      const { status, stdout, stderr } = spawnSync(python!, ["-c", judge, ...files], { encoding: "utf8" });
      assert.equal(status, 0, stderr.slice(-2000));
      const [perClass, mean] = JSON.parse(stdout.trim().split("\n").at(-1)!) as [Record<string, number | null>, number];
      assertScores(
        await ourScores(pairs),
        cityscapesClasses.names.map((name) => perClass[name]!),
        mean,
      );
    }
  });
});
