import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { Generator, nn, noGrad, scope, Tensor } from "@adsam/torch";
import { classIds, parseClassMap } from "../src/data/class-maps/class-map.js";
import { type Dataset, select } from "../src/data/dataset.js";
import { cityscapesClasses, IGNORE } from "../src/data/labels.js";
import { loadSample } from "../src/data/load-sample.js";
import { openDataset } from "../src/data/open.js";
import { imageNet, normalise } from "../src/data/transforms/normalise.js";
import { resizeBilinear } from "../src/data/transforms/resize.js";
import { evaluate, evaluationLoader } from "../src/evaluate/evaluate.js";
import { evaluateInDetail } from "../src/evaluate/in-detail.js";
import { scoresOf } from "../src/evaluate/scores.js";
import { BoundaryScores } from "../src/metrics/boundary/scores.js";
import { ConfusionMatrix } from "../src/metrics/confusion.js";
import { CountedPictures } from "../src/metrics/picture-counts.js";
import { AdSam } from "../src/models/ad-sam.js";
import { putLabel } from "./data-fixtures.js";
import { folderForTests, putScenes, sceneFile } from "./train-fixtures.js";

const root = folderForTests("evaluate");
const compute = { device: "cpu", precision: "float32" } as const;
const input = { height: 64, width: 96 };
let dataset: Dataset;
let network: AdSam;

before(async () => {
  await putScenes(root, "val", 5);
  dataset = await openDataset({ kind: "cityscapes", root, split: "val" });
  Generator.default().seed(5);
  network = new AdSam({
    numClasses: 19,
    encoder: "none",
    resnet: "resnet18",
    fusionDim: 16,
    decoderDims: [16, 8, 8],
    attentionHeads: 2,
  });
});

/** Picture by picture, pixel by pixel, with nothing of the evaluation but the network and the resize: label and prediction of each. */
async function pixelsByHand(
  may: (k: number) => boolean = () => true,
  resolution: "label" | "network" = "label",
): Promise<[truth: number, guess: number][]> {
  const pairs: [number, number][] = [];
  for (let i = 0; i < dataset.samples.length; i++) {
    const { picture, label } = await loadSample(dataset, i);
    const pixels = new Float32Array(3 * input.height * input.width);
    normalise(resizeBilinear(picture, input), imageNet, pixels, 0);
    const { height, width } = resolution === "label" ? label!.size : input;
    const scores = noGrad(() =>
      scope(() => {
        const logits = network.eval().call({ image: Tensor.share(pixels, [1, 3, input.height, input.width]) });
        const sized = nn.functional.interpolate(logits, { size: { height, width }, mode: "bilinear" });
        return (sized.toArray() as Float32Array).slice();
      }),
    );
    const answers = Array.from({ length: 19 }, (_, k) => k).filter(may);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        // A label on another grid is read at the pixel whose middle is nearest.
        const [v, u] = [y, x].map((at, axis) => {
          const [to, from] = axis === 0 ? [height, label!.size.height] : [width, label!.size.width];
          return Math.min(from - 1, Math.floor(((at + 0.5) * from) / to));
        }) as [number, number];
        const truth = label!.data[v * label!.size.width + u]!;
        if (truth === 255) continue;
        const at = (k: number) => scores[(k * height + y) * width + x]!;
        pairs.push([truth, answers.reduce((best, k) => (at(k) > at(best) ? k : best))]);
      }
  }
  return pairs;
}

async function countByHand(resolution: "label" | "network"): Promise<number[]> {
  const counts = new Array<number>(19 * 19).fill(0);
  for (const [truth, guess] of await pixelsByHand(() => true, resolution)) counts[truth * 19 + guess]!++;
  return counts;
}

describe("evaluate", () => {
  for (const resolution of ["label", "network"] as const)
    test(`counts what a pixel-by-pixel computation counts, at the ${resolution}'s resolution`, async () => {
      const matrix = await evaluate({ network, dataset, input, resolution, compute, workers: 0 });
      assert.deepEqual([...matrix.counts], await countByHand(resolution));
      const pixels = resolution === "label" ? 5 * 40 * 72 : 5 * 64 * 96;
      assert.equal(matrix.pixels + matrix.ignored, pixels);
      assert.ok(matrix.ignored > 0);
    });

  test("gives the same at batch 1, 2 and 7, with and without threads, and through a loader that is kept", async () => {
    const scored = async (options: { batchSize: number; workers: number }) =>
      (await evaluate({ network, dataset, input, resolution: "label", compute, ...options })).toJSON();
    const one = await scored({ batchSize: 1, workers: 0 });
    for (const options of [
      { batchSize: 2, workers: 1 },
      { batchSize: 7, workers: 2 },
    ])
      assert.deepEqual(await scored(options), one);
    await using loader = evaluationLoader({ dataset, input, batchSize: 2, workers: 1 });
    for (let round = 0; round < 2; round++)
      assert.deepEqual((await evaluate({ network, loader, resolution: "label", compute })).toJSON(), one);
  });

  test("leaves the network's mode as it found it, and tells of every picture in order", async () => {
    for (const training of [true, false]) {
      const ids: string[] = [];
      const done: number[] = [];
      network.train(training);
      await evaluate({
        network,
        dataset,
        input,
        resolution: "label",
        compute,
        batchSize: 2,
        workers: 0,
        onPrediction: ({ id, prediction, label, index }) => {
          assert.equal(dataset.samples[index]!.id, id);
          assert.deepEqual(prediction.size, label.size);
          ids.push(id);
        },
        onProgress: (now, total) => done.push(now, total),
      });
      assert.equal(network.training, training);
      assert.deepEqual(
        ids,
        dataset.samples.map(({ id }) => id),
      );
      assert.deepEqual(done, [2, 5, 4, 5, 5, 5]);
    }
  });

  test("stopped, it scores the batches so far, and the scores say how many pictures", async () => {
    const stop = new AbortController();
    let pictures = 0;
    const onProgress = (done: number) => {
      pictures = done;
      if (done === 4) stop.abort();
    };
    const options = { network, input, resolution: "label", compute, batchSize: 2, workers: 0 } as const;
    const part = await evaluate({ ...options, dataset, signal: stop.signal, onProgress });
    const four = await evaluate({ ...options, dataset: select(dataset, [0, 1, 2, 3]) });
    assert.deepEqual(part.toJSON(), four.toJSON());
    assert.equal(scoresOf(part, dataset, "label", { pictures }).pictures, 4);
  });

  test("a class that occurs nowhere is absent, not 0, and counts nowhere", () => {
    const matrix = new ConfusionMatrix(19);
    matrix.update([0, 0, 10, 13], [0, 10, 10, 13]);
    const { perClass, mIoU, rule } = scoresOf(matrix, dataset, "label");
    assert.deepEqual(perClass[5], { name: "pole", iou: null, accuracy: null, pixels: 0 });
    assert.equal(mIoU, (0.5 + 0.5 + 1) / 3);
    assert.match(rule, /classes that occur in the labels or in the predictions/);
  });

  test("in common classes, it counts the best of the answers that have a name there", async () => {
    const map = parseClassMap(
      `from: Cityscapes\nto: two\nclasses:\n${dataset.classes.names
        .map((name, k) => `  ${name}: ${k % 4 === 0 ? "ignored" : k % 2 === 0 ? "even" : "odd"}`)
        .join("\n")}`,
      "two",
    );
    const predictions = classIds(map, dataset.classes.names, ["even", "odd"]);
    const classes = { names: ["even", "odd"], colours: [cityscapesClasses.colours[0]!, cityscapesClasses.colours[1]!] };
    const table = { ...classes, ignoreIndex: IGNORE } as const;
    const mapping = {
      title: "two",
      appliedTo: "predictions",
      classes: table,
      predictions,
      labels: predictions,
    } as const;
    const counts = new Array<number>(4).fill(0);
    const per: ConfusionMatrix[] = [];
    const matrix = await evaluate({
      ...{ network, dataset, input, resolution: "label", compute, workers: 0, mapping, batchSize: 2 },
      onPrediction: ({ matrix }) => void per.push(matrix),
    });
    // By hand: of each pixel's 19 scores, as `countByHand` has them, the greatest of those that are not ignored.
    for (const [truth, guess] of await pixelsByHand((k) => k % 4 !== 0))
      if (truth % 4 !== 0) counts[predictions[truth]! * 2 + predictions[guess]!]!++;
    assert.deepEqual([...matrix.counts], counts);
    assert.ok(matrix.ignored > 5 * 40 * 3); // road is class 0
    const merged = new ConfusionMatrix(2);
    for (const one of per) merged.merge(one);
    assert.deepEqual(merged.toJSON(), matrix.toJSON());
    const { perClass, labelMap } = scoresOf(matrix, dataset, "label", { mapping });
    assert.deepEqual(
      [perClass.map(({ name }) => name), labelMap],
      [["even", "odd"], { map: "two", appliedTo: "predictions", leftOut: [] }],
    );
    const wrong = { ...mapping, predictions: predictions.slice(1) };
    await assert.rejects(
      evaluate({ network, dataset, input, resolution: "label", compute, mapping: wrong }),
      /a network of 19 classes and data of 19, expected 18 and 19, as the label map has them/,
    );
  });

  test("a class that the map cannot produce is in no mean, and named", () => {
    const classes = {
      names: ["a", "b", "c"],
      colours: cityscapesClasses.colours.slice(0, 3),
      ignoreIndex: IGNORE,
    } as const;
    const [predictions, labels] = [Uint8Array.of(0, 1), Uint8Array.of(0, 1, 2)];
    const mapping = { title: "m", appliedTo: "predictions", classes, predictions, labels } as const;
    const matrix = new ConfusionMatrix(3);
    matrix.update([0, 0, 1, 1], [0, 2, 1, 1]);
    const boundary = new BoundaryScores({ numClasses: 3, tolerance: 0 });
    const rows = (ids: number[]) => ({ data: Uint8Array.from(ids), size: { height: 1, width: 4 } });
    boundary.update(rows([0, 0, 1, 1]), rows([0, 2, 1, 1])); // contours: a at 1 predicted, at 0 labelled; b at 2 in both; c at 1 labelled
    const scores = scoresOf(matrix, dataset, "label", { mapping, boundary });
    assert.deepEqual([scores.mIoU, scores.meanAccuracy, scores.pixelAccuracy], [3 / 4, 1, 3 / 4]);
    assert.deepEqual([scores.boundary!.f1, boundary.f1()], [1 / 2, [0, 1, 0]]);
    assert.deepEqual(scores.labelMap!.leftOut, [{ name: "c", because: "never predicted" }]);
  });

  test("in detail: the counts of each picture, and outlines as their own computation scores them", async () => {
    const options = { network, dataset, input, resolution: "label", compute, workers: 0 } as const;
    const boundary = new BoundaryScores({ numClasses: 19, tolerance: 2 });
    const matrix = await evaluate({
      ...options,
      onPrediction: ({ prediction, label }) => boundary.update(prediction, label),
    });
    const detail = await evaluateInDetail({ ...options, boundary: { tolerance: 2 } });
    assert.deepEqual(detail.matrix.toJSON(), matrix.toJSON());
    assert.deepEqual(detail.boundary!.toJSON(), boundary.toJSON());
    assert.equal(new CountedPictures(detail.pictures).meanIoU(), matrix.meanIoU());
    assert.deepEqual(
      detail.pictures.map(({ id }) => id),
      dataset.samples.map(({ id }) => id),
    );
    assert.equal((await evaluateInDetail(options)).boundary, undefined);
    const scores = scoresOf(matrix, dataset, "label", { boundary });
    assert.equal(scores.perClass[0]!.boundaryF1, boundary.f1()[0]);
    assert.match(scores.boundary!.rules[0]!, /within 2 pixels of one labelled/);
    const means = boundary.iou().filter((iou) => iou !== null);
    assert.equal(scores.boundary!.iou, means.reduce((sum, iou) => sum + iou, 0) / means.length);
  });

  test("refuses data of other classes, and labels whose ids the data set does not know", async () => {
    const other = { ...dataset, classes: { ...dataset.classes, names: ["a", "b", "c", "d"] } };
    await assert.rejects(evaluate({ network, dataset: other, input, resolution: "label", compute }), {
      name: "Problem",
      message:
        "evaluation on Cityscapes: found a network of 19 classes, expected 4 (a, b, c, …). Evaluate on a data set with the classes the network was trained for, or say with --label-map which of them are which.",
    });
    const file = sceneFile(root, "val", 3, "label");
    const before = readFileSync(file);
    await putLabel(file, { height: 40, width: 72 }, [7, 7, 99]);
    try {
      await assert.rejects(
        evaluate({ network, dataset, input, resolution: "label", compute, workers: 1 }),
        (error: Error) => {
          assert.equal(error.name, "Problem");
          assert.ok(
            error.message.startsWith(`label "${file}": found ids Cityscapes does not define: 99×960`),
            error.message,
          );
          return true;
        },
      );
    } finally {
      writeFileSync(file, before);
    }
  });
});
