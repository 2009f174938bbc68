/** The parts of the automatic masks that need no network. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { scope, Tensor } from "@adsam/torch";
import { type Box, nearCropEdge } from "../src/models/sam/automatic/boxes.js";
import { countPixels } from "../src/models/sam/automatic/count-pixels.js";
import { cropBoxes } from "../src/models/sam/automatic/crop-boxes.js";
import { stabilityScore } from "../src/models/sam/automatic/mask-tensors.js";
import { nonMaximumSuppression } from "../src/models/sam/automatic/non-maximum-suppression.js";
import { type AutomaticMaskOptions, automaticMaskSettings } from "../src/models/sam/automatic/options.js";
import { pointGrid, pointGridsByLayer } from "../src/models/sam/automatic/point-grid.js";
import { u } from "./golden.js";

describe("point grids", () => {
  test("the middles of equal cells, row by row", () => {
    assert.deepEqual(pointGrid(2), [
      [0.25, 0.25],
      [0.75, 0.25],
      [0.25, 0.75],
      [0.75, 0.75],
    ]);
    assert.deepEqual(pointGrid(1), [[0.5, 0.5]]);
    for (const [i, [x, y]] of pointGrid(7).entries()) {
      assert.ok(Math.abs(x - ((i % 7) + 0.5) / 7) < 1e-15);
      assert.ok(Math.abs(y - (Math.floor(i / 7) + 0.5) / 7) < 1e-15);
    }
  });

  test("numpy.linspace's numbers: the last side is mirrored, not counted up", () => {
    const side = pointGrid(32).slice(0, 32);
    assert.equal(side[0]![0], 1 / 64);
    assert.equal(side[31]![0], 63 / 64);
    // numpy.linspace(1 / 20, 1 - 1 / 20, 10)
    assert.deepEqual(
      pointGrid(10)
        .slice(0, 10)
        .map(([x]) => x),
      [0.05, 0.15, 0.25, 0.35, 0.44999999999999996, 0.5499999999999999, 0.65, 0.75, 0.85, 0.95],
    );
  });

  test("a layer's side is divided and rounded down; none without a point", () => {
    assert.deepEqual(
      pointGridsByLayer(9, 2, 2).map((grid) => grid.length),
      [81, 16, 4],
    );
    assert.throws(() => pointGridsByLayer(3, 2, 2), { name: "Problem", message: /no point in crop layer 2/ });
  });
});

describe("crops", () => {
  test("the reference's boxes for a picture of 2250×1500", () => {
    const crops = cropBoxes({ height: 1500, width: 2250 }, 1, 512 / 1500);
    assert.deepEqual(crops, [
      { box: [0, 0, 2250, 1500], layer: 0 },
      { box: [0, 0, 1381, 1006], layer: 1 },
      { box: [0, 494, 1381, 1500], layer: 1 },
      { box: [869, 0, 2250, 1006], layer: 1 },
      { box: [869, 494, 2250, 1500], layer: 1 },
    ]);
  });

  for (const size of [
    { height: 227, width: 320 },
    { height: 48, width: 16 },
    { height: 1024, width: 2048 },
  ])
    test(`${size.width}×${size.height}: each layer covers the picture and stays inside it`, () => {
      for (const ratio of [0, 0.1, 512 / 1500, 1]) {
        const crops = cropBoxes(size, 3, ratio);
        assert.deepEqual(
          [0, 1, 2, 3].map((layer) => crops.filter((crop) => crop.layer === layer).length),
          [1, 4, 16, 64],
        );
        for (let layer = 0; layer <= 3; layer++) {
          const covered = new Uint8Array(size.height * size.width);
          for (const { box } of crops.filter((crop) => crop.layer === layer)) {
            const [x0, y0, x1, y1] = box;
            assert.ok(x0 >= 0 && y0 >= 0 && x1 <= size.width && y1 <= size.height && x1 > x0 && y1 > y0);
            for (let y = y0; y < y1; y++) covered.fill(1, y * size.width + x0, y * size.width + x1);
          }
          assert.ok(!covered.includes(0), `layer ${layer}, overlap ${ratio}`);
        }
      }
    });

  test("a picture with fewer pixels than crops is refused", () => {
    assert.throws(() => cropBoxes({ height: 40, width: 5 }, 3, 0.3), {
      name: "Problem",
      message: /a picture of 5×40 .* for 4 × 4 crops/,
    });
  });
});

test("a box at the crop's edge is dropped, but not at the picture's", () => {
  const picture: Box = [0, 0, 1000, 600];
  const crop: Box = [0, 200, 500, 600];
  assert.equal(nearCropEdge([100, 300, 400, 500], crop, picture), false);
  assert.equal(nearCropEdge([100, 300, 480, 500], crop, picture), true); // right, exactly 20 away
  assert.equal(nearCropEdge([100, 300, 479, 500], crop, picture), false);
  assert.equal(nearCropEdge([100, 220, 400, 500], crop, picture), true); // above
  assert.equal(nearCropEdge([0, 300, 400, 599], crop, picture), false); // left and below, where the picture ends, too
  assert.equal(nearCropEdge([0, 0, 999, 599], picture, picture), false);
});

/** The rule, word by word: float32 as torchvision computes, each box against all that were kept before it. */
function suppressedByHand(boxes: readonly Box[], scores: readonly number[], threshold: number): number[] {
  const area = ([x0, y0, x1, y1]: Box): number => (x1 - x0) * (y1 - y0);
  const kept: number[] = [];
  for (const place of [...boxes.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b)) {
    const box = boxes[place]!;
    const overlaps = kept.some((other) => {
      const [a, b] = [box, boxes[other]!];
      const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
      const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
      return Math.fround((width * height) / (area(a) + area(b) - width * height)) > threshold;
    });
    if (!overlaps) kept.push(place);
  }
  return kept;
}

/** Whole pixels, some boxes twice, some without area; scores of a few values, so that there are ties. */
function crowd(count: number, extent: number): { boxes: Box[]; scores: number[] } {
  const draw = (name: string, i: number, below: number): number => Math.floor(u(`crowd:${name}`, i) * below);
  const boxes = Array.from({ length: count }, (_, i): Box => {
    const like = u("crowd:like", i) < 0.3 ? draw("other", i, i + 1) : i;
    const [x, y] = [draw("x", like, extent), draw("y", like, extent)];
    return [x, y, x + draw("width", like, extent), y + draw("height", i, extent)];
  });
  return { boxes, scores: boxes.map((_, i) => draw("score", i, 50) / 50) };
}

describe("non-maximum suppression", () => {
  test("by hand", () => {
    const boxes: Box[] = [
      [0, 0, 10, 10],
      [0, 0, 10, 9], // 0.9 of the first
      [0, 0, 10, 7], // 0.7 of the first: not more than the threshold
      [50, 50, 60, 60],
      [5, 5, 5, 5], // nothing
      [5, 5, 5, 5],
    ];
    assert.deepEqual(nonMaximumSuppression(boxes, [0.9, 0.8, 0.7, 0.95, 0.1, 0.1], 0.7001), [3, 0, 2, 4, 5]);
    assert.deepEqual(nonMaximumSuppression(boxes.slice(0, 2), [0.5, 0.5], 0.7), [0]);
    assert.deepEqual(nonMaximumSuppression(boxes.slice(0, 2), [0.5, 0.6], 0.7), [1]);
    assert.deepEqual(nonMaximumSuppression([], [], 0.7), []);
    assert.throws(() => nonMaximumSuppression(boxes, [1], 0.5), { name: "Problem", message: /6 boxes and 1 scores/ });
  });

  for (const threshold of [0, 0.3, 0.5, 0.7, 1])
    test(`the rule word by word, threshold ${threshold}: no pair above it is left`, () => {
      for (const extent of [8, 60, 2000]) {
        const { boxes, scores } = crowd(300, extent);
        const kept = nonMaximumSuppression(boxes, scores, threshold);
        assert.deepEqual(kept, suppressedByHand(boxes, scores, threshold));
        assert.ok(threshold === 1 || (kept.length < boxes.length && kept.length > 1));
      }
    });

  const python = "/usr/bin/python3";
  const absent = spawnSync(python, ["-c", "import torch, torchvision"]).status !== 0 && `no torchvision for ${python}`;
  test("torchvision's nms keeps the same boxes in the same order, its batched_nms the same boxes", {
    skip: absent,
  }, () => {
    const cases = [
      { ...crowd(300, 60), threshold: 0.7 },
      { ...crowd(300, 2000), threshold: 0.3 },
      { ...crowd(1500, 40), threshold: 0.5 },
    ];
    const program = `import json, sys, torch
from torchvision.ops import batched_nms, nms
for case in json.load(sys.stdin):
    boxes, scores = torch.tensor(case["boxes"]).float(), torch.tensor(case["scores"])
    # Beyond 1000 boxes batched_nms leaves the order of equal scores open.
    batched = batched_nms(boxes, scores, torch.zeros_like(boxes[:, 0]), iou_threshold=case["threshold"])
    print(nms(boxes, scores, case["threshold"]).tolist(), sorted(batched.tolist()), sep=";")`;
    const { stdout, stderr } = spawnSync(python, ["-c", program], { input: JSON.stringify(cases), encoding: "utf8" });
    const theirs = stdout.trim().split("\n");
    for (const [i, { boxes, scores, threshold }] of cases.entries()) {
      const [inOrder, batched] = theirs[i]!.split(";").map((list) => JSON.parse(list));
      const kept = nonMaximumSuppression(boxes, scores, threshold);
      assert.deepEqual(kept, inOrder, stderr);
      assert.deepEqual(
        kept.toSorted((a, b) => a - b),
        batched,
      );
    }
  });
});

describe("stability", () => {
  test("the intersection over union of two thresholds", () => {
    scope(() => {
      for (const [height, width] of [
        [5, 7], // no whole number of words
        [6, 12],
        [40, 52], // 260 words: 255 and 5
        [60, 34], // 255 words
      ] as const) {
        const values = Float32Array.from({ length: 3 * height * width }, (_, i) => 6 * u("stability", i) - 3);
        values.fill(-9, 2 * height * width); // nothing at any threshold
        const found = stabilityScore(Tensor.from(values, [3, height, width]), { threshold: 0.25, offset: 1 });
        const expected = [0, 1, 2].map((mask) => {
          const own = values.subarray(mask * height * width, (mask + 1) * height * width);
          const above = (limit: number): number => own.filter((value) => value > limit).length;
          return Math.fround(above(1.25) / Math.max(1, above(-0.75)));
        });
        assert.deepEqual([...found.toNumbers()], expected);
        assert.equal(found.dtype, "float32");
      }
    });
  });

  test("pixels are counted, also where every byte of a word is full", () => {
    scope(() => {
      const full = Tensor.from(new Uint8Array(2 * 64 * 96).fill(1), [2, 64, 96]).to({ dtype: "bool" });
      assert.deepEqual([...countPixels(full).toNumbers()], [6144, 6144]);
      assert.deepEqual([...countPixels(full.narrow(0, 0, 0)).toNumbers()], []);
    });
  });
});

describe("settings", () => {
  test("the reference's defaults", () => {
    const { pointGrids, ...rest } = automaticMaskSettings({});
    assert.deepEqual(
      pointGrids.map((grid) => grid.length),
      [1024],
    );
    assert.deepEqual(rest, {
      pointsPerBatch: 64,
      predIouThresh: 0.88,
      stabilityScoreThresh: 0.95,
      stabilityScoreOffset: 1,
      boxNmsThresh: 0.7,
      cropNLayers: 0,
      cropNmsThresh: 0.7,
      cropOverlapRatio: 512 / 1500,
      cropNPointsDownscaleFactor: 1,
      minMaskRegionArea: 0,
      outputMode: "binary_mask",
    });
  });

  test("points of one's own, and a threshold below everything", () => {
    const pointGrids = [[[0.5, 0.25]], [[0, 0.9]]] as const;
    const settings = automaticMaskSettings({
      pointGrids,
      pointsPerSide: undefined,
      cropNLayers: 1,
      predIouThresh: Number.NEGATIVE_INFINITY,
    });
    assert.equal(settings.pointGrids, pointGrids);
    assert.equal(settings.predIouThresh, Number.NEGATIVE_INFINITY);
    assert.ok(!("pointsPerSide" in automaticMaskSettings({ pointsPerSide: 3 })));
  });

  const refused: readonly (readonly [AutomaticMaskOptions, RegExp])[] = [
    [{ pointsPerSide: 0 }, /pointsPerSide: found 0, expected a whole number from 1/],
    [{ pointsPerSide: 8, pointGrids: [[[0.5, 0.5]]] }, /points: found both pointsPerSide and pointGrids/],
    [{ pointGrids: [[[0.5, 0.5]]], cropNLayers: 1 }, /pointGrids: found 1 grids for cropNLayers 1, expected 2/],
    [{ pointGrids: [[]] }, /pointGrids, layer 0: found no point/],
    [{ pointGrids: [[[0.5, 1]]] }, /pointGrids, layer 0: found \[0.5, 1\], expected \[x, y\], each from 0 to below 1/],
    [{ pointsPerBatch: 1.5 }, /pointsPerBatch: found 1.5/],
    [{ predIouThresh: Number.NaN }, /predIouThresh: found NaN/],
    [{ stabilityScoreOffset: -1 }, /stabilityScoreOffset: found -1, expected a number from 0/],
    [{ boxNmsThresh: 70 }, /boxNmsThresh: found 70, expected 0…1/],
    [{ cropNLayers: 60 }, /cropNLayers: found 60/],
    [{ cropOverlapRatio: -0.1 }, /cropOverlapRatio: found -0.1/],
    [{ minMaskRegionArea: -5 }, /minMaskRegionArea: found -5/],
    [{ outputMode: "png" as "coco_rle" }, /outputMode: found "png", expected one of binary_mask, uncompressed_rle/],
    [{ pointPerSide: 8 } as AutomaticMaskOptions, /option "pointPerSide": found 8, expected one of pointsPerSide/],
  ];
  for (const [options, message] of refused)
    test(`refused: ${JSON.stringify(options)}`, () =>
      assert.throws(() => automaticMaskSettings(options), { name: "Problem", message }));
});
