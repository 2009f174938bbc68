import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { authorsDenseCrf } from "@adsam/kernels";
import { scope, Tensor } from "@adsam/torch";
import { chooseCompute } from "../src/compute.js";
import { openDataset } from "../src/data/open.js";
import { type LabelMap, type Picture, pixels, readPicture, type Size } from "../src/data/picture.js";
import { evaluate } from "../src/evaluate/evaluate.js";
import { crfLabels } from "../src/evaluate/refine/crf-labels.js";
import { looksAgain, type Refinement, refines, viewSizes } from "../src/evaluate/refine/options.js";
import { averagedProbabilities } from "../src/evaluate/refine/views.js";
import { Predictor } from "../src/predict/predictor.js";
import { noiseBytes, putCityscapes, temporaryFolder } from "./data-fixtures.js";
import { tinyCheckpoint } from "./tiny-checkpoint.js";

const compute = chooseCompute({ device: "cpu", precision: "float32", threads: 1 });
const noise = (height: number, width: number): Picture => ({
  data: noiseBytes("picture", 3 * height * width),
  size: { height, width },
});
const close = (a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number) =>
  a.length === b.length && Array.from(a).every((x, i) => Math.abs(x - b[i]!) <= tolerance);

/** Logits that follow from each pixel's colours alone: what any look sees where scales agree. */
const colours = (image: Tensor): Tensor => image.mul(1.7);
/** Logits that follow from the place alone: class 0 in the left half, class 1 in the right. */
function halves(image: Tensor): Tensor {
  const [b, , h, w] = image.dims4("image");
  const logits = Float32Array.from({ length: b * 2 * h * w }, (_, i) => {
    const [isLeft, isFirst] = [i % w < w / 2, Math.floor(i / (h * w)) % 2 === 0];
    return isLeft === isFirst ? 2 : 0;
  });
  return Tensor.from(logits, [b, 2, h, w]);
}

describe("several looks at a picture", () => {
  const input: Size = { height: 64, width: 96 };

  test("sizes: each side to a multiple of 32; what cannot be is refused", () => {
    assert.deepEqual(viewSizes(input, [0.25, 0.75, 1, 1.25]), [
      { height: 32, width: 32 },
      { height: 64, width: 64 },
      { height: 64, width: 96 },
      { height: 96, width: 128 },
    ]);
    assert.throws(() => viewSizes(input, []), /--tta-scales: found no scale/);
    assert.throws(() => viewSizes(input, [1, 0]), /--tta-scales: found 0, expected 0\.125 to 8/);
    assert.throws(() => viewSizes(input, [1, Number.NaN]), /found NaN/);
    assert.throws(() => viewSizes(input, [1, 0.5, 1.1]), /found 1 and 1\.1, both 64×96 \(height×width\)/);
    assert.deepEqual(
      [looksAgain({}), looksAgain({ scales: [1] }), looksAgain({ scales: [1.5] })],
      [false, false, true],
    );
    assert.deepEqual([refines(undefined), refines({}), refines({ crf: authorsDenseCrf })], [false, false, true]);
  });

  test("a mirror image is mirrored back: what follows from colours stays, what follows from the place is evened out", () => {
    scope(() => {
      const pictures = [noise(64, 96), noise(40, 70)];
      const once = averagedProbabilities(pictures, { scales: [1] }, { input, compute, forward: colours });
      const both = averagedProbabilities(pictures, { mirror: true }, { input, compute, forward: colours });
      assert.deepEqual([...both.shape], [2, 3, 64, 96]);
      assert.ok(close(both.toNumbers(), once.toNumbers(), 1e-6));
      const even = averagedProbabilities(pictures, { mirror: true }, { input, compute, forward: halves });
      assert.ok(close(even.toNumbers(), new Float32Array(2 * 2 * 64 * 96).fill(0.5), 1e-6));
    });
  });

  test("probabilities are averaged over scales, each of them seen", () => {
    scope(() => {
      const seen: number[][] = [];
      // The look at 32×64 is sure of class 0, the others of class 1.
      const forward = (image: Tensor) => {
        const [b, , h, w] = image.dims4("image");
        seen.push([b, h, w]);
        const sure = new Float32Array(2 * h * w).fill(0);
        sure.fill(h === 32 ? -30 : 30, h * w);
        return Tensor.from(sure, [1, 2, h, w]);
      };
      const refinement = { scales: [0.5, 1, 1.5], mirror: true };
      const map = averagedProbabilities([noise(50, 80)], refinement, { input, compute, forward });
      const one = [seen[0], seen[2], seen[4]];
      assert.deepEqual(one, [
        [1, 32, 64],
        [1, 64, 96],
        [1, 96, 160],
      ]);
      assert.equal(seen.length, 6);
      const [first, second] = [map.toNumbers()[0]!, map.toNumbers()[64 * 96]!];
      assert.ok(Math.abs(first - 1 / 3) < 1e-6 && Math.abs(second - 2 / 3) < 1e-6, `${first}, ${second}`);
    });
  });
});

/** How many neighbours in a row differ. */
const changes = ({ data, size }: LabelMap): number =>
  data.filter((id, i) => i % size.width > 0 && id !== data[i - 1]).length;

describe("a CRF over the answer", () => {
  test("labels follow the picture's colours at the picture's size", () => {
    scope(() => {
      const size = { height: 37, width: 58 };
      const isLeft = (i: number) => i % size.width < 23;
      const data = Uint8Array.from({ length: 3 * pixels(size) }, (_, i) => (isLeft(Math.floor(i / 3)) ? 40 : 200));
      const bytes = noiseBytes("noise", 2 * pixels(size));
      const logits = Float32Array.from(bytes, (byte, i) => {
        const isClassOf = i < pixels(size) ? isLeft(i) : !isLeft(i - pixels(size));
        return byte / 128 + (isClassOf ? 0.8 : 0);
      });
      const answer = Tensor.from(logits, [1, 2, size.height, size.width]);
      const right = ({ data: ids }: LabelMap) =>
        ids.filter((id, i) => id === (isLeft(i) ? 0 : 1)).length / pixels(size);
      const found = crfLabels(answer, "logits", { data, size }, size, authorsDenseCrf);
      const probabilities = crfLabels(answer.softmax(1), "probabilities", { data, size }, size, authorsDenseCrf);
      assert.deepEqual(found, probabilities);
      assert.ok(right(found) > 0.99, `${right(found)}`);
      const untouched = crfLabels(answer, "logits", { data, size }, size, { ...authorsDenseCrf, iterations: 0 });
      assert.ok(right(untouched) < 0.9, `${right(untouched)}`);
    });
  });
});

describe("refined predictions", () => {
  const refinements: Record<string, Refinement> = {
    mirror: { mirror: true },
    "scales and mirror": { mirror: true, scales: [0.5, 1, 1.5] },
    CRF: { crf: authorsDenseCrf },
    all: { mirror: true, scales: [1, 1.5], crf: authorsDenseCrf },
  };

  test("predict and evaluate say the same, and not what one look says", async (t) => {
    const root = await temporaryFolder(t);
    const checkpoint = tinyCheckpoint(path.join(root, "tiny.pth"));
    await putCityscapes(path.join(root, "data"), "val", 2, { height: 45, width: 70 });
    const dataset = await openDataset({ kind: "cityscapes", root: path.join(root, "data"), split: "val" });
    using plain = Predictor.open(checkpoint, { threads: 1 });
    for (const [name, refinement] of Object.entries(refinements)) {
      using predictor = Predictor.open(checkpoint, { threads: 1, refinement });
      const { network, input } = predictor;
      let compared = 0;
      const onPrediction = async ({ index, prediction }: { index: number; prediction: LabelMap }) => {
        const picture = await readPicture(dataset.samples[index]!.imagePath);
        const { ids } = predictor.predict(picture);
        assert.deepEqual(ids, prediction, name);
        const once = plain.predict(picture).ids;
        assert.notDeepEqual(ids.data, once.data, name);
        if (name === "CRF") assert.ok(changes(ids) < changes(once), `${changes(ids)}, ${changes(once)}`);
        compared++;
      };
      const common = { network, dataset, input, resolution: "label", compute, workers: 0, refinement } as const;
      await evaluate({ ...common, batchSize: 2, onPrediction });
      assert.equal(compared, 2);
    }
  });

  test("stored embeddings are refused for other looks", async (t) => {
    const root = await temporaryFolder(t);
    await putCityscapes(path.join(root, "data"), "val", 1, { height: 45, width: 70 });
    const dataset = await openDataset({ kind: "cityscapes", root: path.join(root, "data"), split: "val" });
    using predictor = Predictor.open(tinyCheckpoint(path.join(root, "tiny.pth")), { threads: 1 });
    const { network, input } = predictor;
    const embeddings = { of: () => Tensor.from(new Float32Array(256 * 4 * 6), [1, 256, 4, 6]) };
    const run = (refinement: Refinement) =>
      evaluate({ network, dataset, input, resolution: "label", compute, workers: 0, embeddings, refinement });
    await assert.rejects(run({ mirror: true }), /at other scales or on mirror images: found stored embeddings/);
  });

  test("adsam eval says what was done; scales that are none are refused", async (t) => {
    const root = await temporaryFolder(t);
    tinyCheckpoint(path.join(root, "tiny.pth"));
    await putCityscapes(path.join(root, "data"), "val", 1, { height: 45, width: 70 });
    const script = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
    const run = (...words: string[]) =>
      spawnSync(process.execPath, [script, "eval", "tiny.pth", "--data", "data", ...words], {
        encoding: "utf8",
        cwd: root,
      });
    const { status, stdout, stderr } = run("--tta-mirror", "--tta-scales", "0.5,1", "--crf", "--json");
    assert.equal(status, 0, stderr);
    const { crf, ...looks } = JSON.parse(stdout).refinement;
    assert.deepEqual([looks, crf], [{ mirror: true, scales: [0.5, 1] }, authorsDenseCrf]);
    assert.equal(crf.iterations, 10, "as the authors' --apply_crf");
    assert.match(run("--tta-scales", "1,big").stderr, /expected numbers with commas between them/);
    assert.match(run("--tta-scales", "1,20").stderr, /--tta-scales: found 20, expected 0\.125 to 8/);
  });
});
