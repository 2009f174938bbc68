/** The whole mask generator: on a network of random weights, and on one that tells colours apart. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Generator, liveTensors, nn, noGrad, scope, stack, type Tensor } from "@adsam/torch";
import { type LabelMap, type Picture, pixels, readPicture, type Size } from "../src/data/picture.js";
import { encoderConfig } from "../src/models/encoders.js";
import {
  type AutomaticMask,
  type AutomaticMaskOptions,
  decodeRle,
  encodeMask,
  expandRle,
  type OutputMode,
  SamAutomaticMaskGenerator,
} from "../src/models/sam/automatic/index.js";
import { nonMaximumSuppression } from "../src/models/sam/automatic/non-maximum-suppression.js";
import { pointGrid } from "../src/models/sam/automatic/point-grid.js";
import { intoFrame } from "../src/models/sam/input-frame.js";
import type { DecodedMasks } from "../src/models/sam/mask-decoder.js";
import { SamPredictor } from "../src/models/sam/predictor.js";
import { buildSam, type PlacedPrompt, Sam } from "../src/models/sam/sam.js";
import { u } from "./golden.js";

/** Sees the brightness of 64 × 64 cells and puts 4 × 4 of them into the channels of one cell of the embedding. */
class BrightnessEncoder extends nn.Module {
  readonly config = { ...encoderConfig("nano"), outChans: 16 };

  forward(image: Tensor): Tensor {
    const cells = image.mean(1, { keepdim: true }).avgPool2d(4); // [B, 1, 64, 64]
    return cells
      .reshape([image.size(0), 16, 4, 16, 4])
      .permute([0, 2, 4, 1, 3])
      .reshape([image.size(0), 16, 16, 16]);
  }
}

/**
 * SAM in which "the same thing" is what has the point's brightness. Of its three answers the second is good but hangs on the threshold, and
 * the third, everything else, is thought poor.
 */
class BrightnessSam extends Sam {
  constructor() {
    super(new BrightnessEncoder());
  }

  override decode(embedding: Tensor, placed: readonly PlacedPrompt[]): DecodedMasks {
    return scope(() => {
      const brightness = embedding.pixelShuffle(4).select(0, 0).select(0, 0); // [64, 64]
      const answers = placed.map(({ prompt, frame }) => {
        const [x, y] = intoFrame(prompt.pointCoords![0]!, frame).map((at) => Math.floor(at / 4)) as [number, number];
        const logits = brightness
          .sub(brightness.select(0, y).select(0, x))
          .abs()
          .sub(0.02)
          .mul(-1000)
          .clamp({ min: -20, max: 20 });
        return stack([logits, logits.mul(0.001), logits.neg()]);
      });
      const lowResMasks = stack(answers); // [P, 3, 64, 64]
      const size = lowResMasks.gt(0).to({ dtype: "float32" }).mean([2, 3]); // [P, 3]
      const [first, second, third] = size.unbind({ dim: 1 }) as [Tensor, Tensor, Tensor];
      return {
        lowResMasks,
        iouPredictions: stack([first.mul(0.05).add(0.9), second.mul(0).add(0.99), third.mul(0)], { dim: 1 }),
      };
    });
  }
}

interface Shape {
  readonly colour: number;
  readonly covers: (x: number, y: number) => boolean;
}

/** Grey shapes on grey ground, the last on top. */
function scene(size: Size, shapes: readonly Shape[]): Picture {
  const data = new Uint8Array(pixels(size) * 3);
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++)
      data.fill(
        shapes.findLast(({ covers }) => covers(x, y))?.colour ?? 40,
        (y * size.width + x) * 3,
        (y * size.width + x + 1) * 3,
      );
  return { data, size };
}

/** A rectangle's pixels: what is drawn. */
const within = (x0: number, y0: number, x1: number, y1: number) => (x: number, y: number) =>
  x >= x0 && x < x1 && y >= y0 && y < y1;

const noise = ({ height, width }: Size): Picture => ({
  data: Uint8Array.from({ length: 3 * height * width }, (_, i) => {
    const [y, x, channel] = [Math.floor(i / 3 / width), Math.floor(i / 3) % width, i % 3];
    return Math.floor(256 * u("automatic", (Math.floor(y / 20) * 100 + Math.floor(x / 20)) * 3 + channel));
  }),
  size: { height, width },
});

/** Everything passes but what says the same twice. */
const everything = {
  pointsPerSide: 5,
  predIouThresh: Number.NEGATIVE_INFINITY,
  stabilityScoreThresh: 0,
  stabilityScoreOffset: 0.005,
} as const satisfies AutomaticMaskOptions;

/** What holds of every result, whatever the network. */
function checkMasks(masks: readonly AutomaticMask<"binary_mask">[], { size }: Picture, nmsThresh: number): void {
  assert.ok(masks.length > 0);
  for (const { segmentation, area, bbox, pointCoords, cropBox, stabilityScore, predictedIou } of masks) {
    assert.deepEqual(segmentation.size, size);
    assert.equal(segmentation.data.length, pixels(size));
    assert.ok(segmentation.data.every((pixel) => pixel <= 1));
    assert.equal(
      segmentation.data.reduce((sum, pixel) => sum + pixel, 0),
      area,
    );
    assert.deepEqual(bbox, tightBox(segmentation));
    const [[x, y]] = pointCoords;
    const [left, top, width, height] = cropBox;
    assert.ok(x > left && x < left + width && y > top && y < top + height, "the point is in its crop");
    assert.ok(left >= 0 && top >= 0 && left + width <= size.width && top + height <= size.height);
    const inside = segmentation.data.filter((pixel, at) => {
      const [v, w] = [Math.floor(at / size.width), at % size.width];
      return pixel && w >= left && w < left + width && v >= top && v < top + height;
    }).length;
    assert.equal(inside, area, "nothing outside its crop");
    assert.ok(stabilityScore >= 0 && stabilityScore <= 1 && Number.isFinite(predictedIou));
  }
  const boxes = masks.map(({ bbox: [x, y, width, height] }) => [x, y, x + width, y + height] as const);
  assert.equal(
    nonMaximumSuppression(
      boxes,
      masks.map((_, i) => -i),
      nmsThresh,
    ).length,
    masks.length,
  );
}

/** By looking at every pixel; as in the reference, from the first to the last column and row. */
function tightBox({ data, size: { width } }: LabelMap): number[] {
  const [xs, ys]: [number[], number[]] = [[], []];
  for (const [at, pixel] of data.entries()) {
    if (!pixel) continue;
    xs.push(at % width);
    ys.push(Math.floor(at / width));
  }
  const [left, right, top, bottom] = [xs, xs.toReversed(), ys, ys].map((list, i) =>
    list.reduce((a, b) => (i % 2 === 0 ? Math.min(a, b) : Math.max(a, b)), list[0] ?? 0),
  ) as [number, number, number, number];
  return [left, top, right - left, bottom - top];
}

/**
 * The reference's procedure without crops, in the plainest way: all masks of all points at full size at once, then one filter after the
 * other.
 */
function plainly(
  sam: Sam,
  picture: Picture,
  options: Required<Pick<AutomaticMaskOptions, keyof typeof everything | "boxNmsThresh">>,
): AutomaticMask<"uncompressed_rle">[] {
  const { height, width } = picture.size;
  return noGrad(() =>
    scope(() => {
      using predictor = new SamPredictor(sam);
      predictor.setImage(picture);
      const points = pointGrid(options.pointsPerSide).map(([x, y]) => [x * width, y * height] as const);
      const prompts = points.map((point) => ({ pointCoords: [point], pointLabels: [1] as const }));
      const { masks, iouPredictions } = predictor.predictBatch(prompts, { returnLogits: true });
      const ious = iouPredictions.flatten().toNumbers();
      const all = [...ious.keys()].map((at) => {
        const logits = masks
          .select(0, Math.floor(at / 3))
          .select(0, at % 3)
          .toNumbers();
        const above = (limit: number): number => logits.filter((value) => value > limit).length;
        const segmentation = { data: Uint8Array.from(logits, (value) => Number(value > 0)), size: picture.size };
        return {
          segmentation: encodeMask(segmentation),
          area: above(0),
          bbox: tightBox(segmentation) as unknown as AutomaticMask["bbox"],
          predictedIou: ious[at]!,
          pointCoords: [points[Math.floor(at / 3)]!] as const,
          stabilityScore: Math.fround(
            above(options.stabilityScoreOffset) / Math.max(1, above(-options.stabilityScoreOffset)),
          ),
          cropBox: [0, 0, width, height] as const,
        };
      });
      const good = all.filter(
        ({ predictedIou, stabilityScore }) =>
          (options.predIouThresh <= 0 || predictedIou > options.predIouThresh) &&
          stabilityScore >= options.stabilityScoreThresh,
      );
      const boxes = good.map(({ bbox: [x, y, w, h] }) => [x, y, x + w, y + h] as const);
      return nonMaximumSuppression(
        boxes,
        good.map(({ predictedIou }) => predictedIou),
        options.boxNmsThresh,
      ).map((place) => good[place]!);
    }),
  );
}

/** Of 256×192 pixels, as the network sees it, with edges on its cells of 4: nothing is resized, masks are exact. */
const size = { height: 192, width: 256 };
const names = ["high", "wide", "low"] as const;
type Name = (typeof names)[number];
const corners: Readonly<Record<Name, readonly [x0: number, y0: number, x1: number, y1: number]>> = {
  high: [24, 20, 76, 172],
  wide: [104, 24, 240, 72],
  low: [112, 104, 232, 168],
};
const colours = { high: 120, wide: 200, low: 160 };
const shapes = names.map((name): Shape => ({ colour: colours[name], covers: within(...corners[name]) }));
const street = scene(size, shapes);

/** A rectangle as the enlarged logits have it: between cells, bilinear interpolation takes off the pixel at each corner. */
const blunt = (name: Name): Shape["covers"] => {
  const [x0, y0, x1, y1] = corners[name];
  return (x, y) => within(x0, y0, x1, y1)(x, y) && !((x === x0 || x === x1 - 1) && (y === y0 || y === y1 - 1));
};
const drawn = (covers: Shape["covers"]): LabelMap => ({
  data: Uint8Array.from({ length: pixels(size) }, (_, at) =>
    Number(covers(at % size.width, Math.floor(at / size.width))),
  ),
  size,
});
const masksOf = (...list: readonly Name[]): LabelMap[] => list.map((name) => drawn(blunt(name)));
const count = ({ data }: LabelMap): number => data.reduce((sum, pixel) => sum + pixel);

describe("a network that tells brightness apart", () => {
  const sam = new BrightnessSam();
  const generate = <Mode extends OutputMode = "binary_mask">(picture: Picture, options: AutomaticMaskOptions<Mode>) =>
    new SamAutomaticMaskGenerator(sam, options).generate(picture);

  test("each thing once, exact to the pixel, the better prediction first", () => {
    const masks = generate(street, { pointsPerSide: 8 });
    const ground = drawn((x, y) => !names.some((name) => blunt(name)(x, y)));
    const expected = [ground, ...masksOf("high", "low", "wide")];
    assert.deepEqual(
      masks.map(({ area }) => area),
      expected.map(count),
    );
    for (const [i, { segmentation }] of masks.entries()) assert.deepEqual(segmentation, expected[i], `mask ${i}`);
    assert.deepEqual(
      masks.map(({ bbox }) => bbox),
      [
        [0, 0, 255, 191],
        [24, 20, 51, 151],
        [112, 104, 119, 63],
        [104, 24, 135, 47],
      ],
    );
    assert.ok(masks.every(({ predictedIou }, i) => i === 0 || predictedIou <= masks[i - 1]!.predictedIou));
    assert.ok(masks.every(({ stabilityScore }) => stabilityScore >= 0.95));
    checkMasks(masks, street, 0.7);
  });

  test("the first point of equals stands for the mask", () => {
    const [, high] = generate(street, { pointsPerSide: 8 });
    assert.deepEqual(high!.pointCoords, [[48, 36]]); // (0.5 + 1) · 256 / 8, (0.5 + 1) · 192 / 8
    const [mask] = generate(street, {
      pointGrids: [
        [
          [0.25, 0.75],
          [0.2, 0.2],
        ],
      ],
    });
    assert.deepEqual(mask!.pointCoords, [[64, 144]]);
  });

  test("its three forms are the same mask; the number of points at once changes nothing", () => {
    const options = { pointsPerSide: 8 };
    const binary = generate(street, options);
    const runs = generate(street, { ...options, outputMode: "uncompressed_rle", pointsPerBatch: 5 });
    const strings = generate(street, { ...options, outputMode: "coco_rle", pointsPerBatch: 1 });
    for (const [i, { segmentation, ...rest }] of binary.entries()) {
      const { segmentation: rle, ...others } = runs[i]!;
      const { segmentation: text, ...same } = strings[i]!;
      assert.deepEqual(decodeRle(rle), segmentation);
      assert.deepEqual(JSON.parse(JSON.stringify(expandRle(text))), rle);
      assert.deepEqual([others, same], [rest, rest]);
    }
  });

  test("what is thought poor, or hangs on the threshold, is left out", () => {
    assert.deepEqual(generate(street, { pointsPerSide: 4, predIouThresh: 1.1 }), []);
    assert.deepEqual(
      generate(street, { pointsPerSide: 4, predIouThresh: 1.1, cropNLayers: 1, minMaskRegionArea: 9 }),
      [],
    );
    // The second answer is thought best of all, but at ±1 nothing is left of it.
    assert.deepEqual(generate(street, { pointsPerSide: 4, predIouThresh: 0.98 }), []);
    // 0.99 in float32 is more than 0.99, but the threshold is rounded, too.
    assert.deepEqual(generate(street, { pointsPerSide: 4, predIouThresh: 0.99, stabilityScoreThresh: 0 }), []);
    const unstable = generate(street, { pointsPerSide: 4, predIouThresh: 0.98, stabilityScoreThresh: 0 });
    assert.ok(unstable.length > 0 && unstable.every(({ stabilityScore }) => stabilityScore === 0));
    // The third, the rest of the picture, comes only without a threshold.
    const areas = generate(street, { pointsPerSide: 4, predIouThresh: 0, boxNmsThresh: 1 }).map(({ area }) => area);
    assert.ok(areas.includes(pixels(size) - 120 * 64 + 4));
  });

  test("crops find what lies inside them again, and what only they can see", () => {
    // Two small squares between the points of the whole picture's grid, under points of the first and of the last crop.
    const corner = [
      [88, 80],
      [122, 84],
    ] as const;
    const squares = corner.map(([x, y]): Shape => ({ colour: 240 - x, covers: within(x, y, x + 12, y + 12) }));
    const picture = scene(size, [...shapes, ...squares]);
    const pointGrids = [
      [[0.1, 0.05]],
      [
        [0.2, 0.2],
        [0.58, 0.68],
      ],
    ] as const;
    const masks = generate(picture, { pointGrids, cropNLayers: 1, stabilityScoreThresh: 0.5 });
    checkMasks(masks, picture, 0.7);
    const whole = masks.filter(({ cropBox }) => cropBox[2] === size.width);
    assert.equal(whole.length, 1);
    assert.equal(masks.at(-1), whole[0], "smaller crops come first");
    const cropOf = corner.map(([x, y]) => {
      const found = masks.find(({ bbox }) => Math.abs(bbox[0] - x) <= 3 && Math.abs(bbox[1] - y) <= 3);
      assert.ok(found && found.area > 40 && found.area < 200, `the small square at (${x}, ${y})`);
      return found.cropBox;
    });
    assert.deepEqual(cropOf, [
      [0, 0, 161, 129],
      [96, 64, 160, 128],
    ]);
    for (const { segmentation, pointCoords } of masks) {
      const [x, y] = pointCoords[0].map(Math.floor) as [number, number];
      assert.equal(segmentation.data[y * size.width + x], 1, "a point lies on its mask");
    }
    // The shape that the crops of the left cut has been found, if at all, where it is whole.
    for (const { bbox, cropBox } of masks) {
      const right = cropBox[0] + cropBox[2];
      if (right < size.width) assert.ok(bbox[0] + bbox[2] < right - 20);
    }
  });

  test("small holes are filled and small islands dropped, before masks that are alike are counted once", () => {
    const hole = within(40, 60, 48, 68);
    const island = within(8, 180, 16, 188);
    const spotted = scene(size, [...shapes, { colour: 40, covers: hole }, { colour: colours.high, covers: island }]);
    const area = (minMaskRegionArea: number): number[] =>
      generate(spotted, {
        pointGrids: [
          [
            [0.15, 0.2],
            [0.7, 0.7],
          ],
        ],
        minMaskRegionArea,
      }).map((mask) => mask.area);
    const [high, low] = masksOf("high", "low").map(count);
    // Blunt, too, hole and island have 60 pixels each: one as much too few as the other too many.
    assert.deepEqual(area(0), [high, low]);
    assert.deepEqual(area(60), [high, low]);
    const masks = generate(spotted, {
      pointGrids: [
        [
          [0.15, 0.2],
          [0.7, 0.7],
        ],
      ],
      minMaskRegionArea: 65,
    });
    // The one that needed no mending comes first.
    assert.deepEqual(
      masks.map(({ segmentation }) => segmentation),
      masksOf("low", "high"),
    );
    assert.deepEqual(masks[1]!.bbox, [24, 20, 51, 151]);
    checkMasks(masks, spotted, 0.7);
  });
});

describe("random weights", () => {
  let sam: Sam;
  before(() => {
    Generator.default().seed(11);
    sam = buildSam("nano").eval();
  });

  for (const boxNmsThresh of [1, 0.7])
    test(`as the plain procedure, at boxNmsThresh ${boxNmsThresh}`, () => {
      const picture = noise({ height: 90, width: 133 });
      const options = { ...everything, boxNmsThresh };
      const found = new SamAutomaticMaskGenerator(sam, { ...options, outputMode: "uncompressed_rle" }).generate(
        picture,
      );
      const expected = plainly(sam, picture, options);
      assert.equal(found.length, expected.length);
      assert.ok(boxNmsThresh < 1 || found.length === 75);
      for (const [i, mask] of found.entries()) assert.deepEqual(mask, expected[i]);
    });

  test("the same picture twice gives the same masks, and no tensor stays", () => {
    const picture = noise({ height: 133, width: 90 });
    const generator = new SamAutomaticMaskGenerator(sam, { ...everything, cropNLayers: 1, outputMode: "coco_rle" });
    const before = liveTensors().count;
    const first = generator.generate(picture);
    assert.deepEqual(generator.generate(picture), first);
    assert.equal(liveTensors().count, before);
    assert.ok(first.length > 0);
  });

  for (const options of [{}, { cropNLayers: 1 }, { cropNLayers: 1, minMaskRegionArea: 40 }])
    test(`what holds of every mask: ${JSON.stringify(options)}`, () => {
      const picture = noise({ height: 120, width: 200 });
      checkMasks(new SamAutomaticMaskGenerator(sam, { ...everything, ...options }).generate(picture), picture, 0.7);
    });

  const folder = fileURLToPath(new URL("../../../../../shared/data/camvid/val", import.meta.url));
  test("on a real street", { skip: existsSync(folder) ? false : `${folder} is not there` }, async () => {
    const picture = await readPicture(`${folder}/${readdirSync(folder).sort()[0]}`);
    for (const options of [{}, { cropNLayers: 1, minMaskRegionArea: 100, boxNmsThresh: 0.9, cropNmsThresh: 0.9 }]) {
      const generator = new SamAutomaticMaskGenerator(sam, { ...everything, ...options });
      const masks = generator.generate(picture);
      checkMasks(masks, picture, options.cropNmsThresh ?? 0.7);
      assert.deepEqual(generator.generate(picture), masks);
    }
  });
});

describe("the generator in steps", () => {
  test("gives the same masks, tells how far it is, and stops between batches", async () => {
    using sam = buildSam("nano").eval();
    const options = {
      pointsPerSide: 4,
      pointsPerBatch: 5,
      predIouThresh: 0,
      stabilityScoreThresh: 0,
      outputMode: "coco_rle",
    } as const;
    const generator = new SamAutomaticMaskGenerator(sam, options);
    const data = Uint8Array.from({ length: 60 * 90 * 3 }, (_, i) => (i * 37 + (i >> 5) * 11) % 256);
    const picture = { data, size: { height: 60, width: 90 } };
    const told: [number, number][] = [];
    const masks = await generator.generateAsync(picture, {
      onProgress: (done, total) => void told.push([done, total]),
    });
    assert.deepEqual(masks, generator.generate(picture));
    assert.deepEqual(
      told,
      [5, 10, 15, 16].map((done) => [done, 16]),
    );
    const stop = new AbortController();
    const before = liveTensors().count;
    const stopped = generator.generateAsync(picture, {
      signal: stop.signal,
      onProgress: (done) => done > 5 && stop.abort(),
    });
    await assert.rejects(stopped, (error) => error === stop.signal.reason);
    assert.equal(liveTensors().count, before);
  });
});
