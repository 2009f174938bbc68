import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { Generator, liveTensors, noGrad, Problem, scope, Tensor } from "@adsam/torch";
import { type Picture, readPicture, type Size } from "../src/data/picture.js";
import { frameImage, inputFrame, intoFrame } from "../src/models/sam/input-frame.js";
import { SamPredictor } from "../src/models/sam/predictor.js";
import type { SamPrompt } from "../src/models/sam/prompt.js";
import { buildSam, type Sam } from "../src/models/sam/sam.js";
import { fillModule } from "./golden.js";

/** SAM around the nano encoder: a 256×256 input, a 16×16 grid of 64 channels. */
function nanoSam(): Sam {
  return fillModule(buildSam("nano")).eval();
}

/** Blocks of colours, so that masks of random weights have edges. */
function picture(size: Size, seed = 1): Picture {
  const data = new Uint8Array(size.height * size.width * 3);
  for (let y = 0; y < size.height; y++)
    for (let x = 0; x < size.width; x++)
      for (let c = 0; c < 3; c++)
        data[(y * size.width + x) * 3 + c] =
          ((Math.floor(x / 40) * 73 + Math.floor(y / 30) * 151) * (seed + c) * 29) % 256;
  return { data, size };
}

const wide: Size = { height: 150, width: 380 };
const tall: Size = { height: 333, width: 207 };
const onePoint: SamPrompt = { pointCoords: [[100.5, 60]], pointLabels: [1] };
const twoPoints: SamPrompt = {
  pointCoords: [
    [300, 20],
    [30, 120],
  ],
  pointLabels: [1, 0],
};
const box: SamPrompt = { box: [10, 20, 200, 148] };

function largestDifference(a: Tensor, b: Tensor): number {
  assert.deepEqual(a.shape, b.shape);
  return scope(() => a.sub(b).abs().max().item());
}

describe("SAM's predictor", () => {
  test("answers in the picture's own size, not square", () => {
    using sam = nanoSam();
    using predictor = new SamPredictor(sam);
    predictor.setImage(picture(wide));
    scope(() => {
      const answer = predictor.predict(onePoint);
      assert.deepEqual(answer.masks.shape, [3, 150, 380]);
      assert.equal(answer.masks.dtype, "bool");
      assert.deepEqual(answer.iouPredictions.shape, [3]);
      assert.deepEqual(answer.lowResMasks.shape, [3, 64, 64]);
      const single = predictor.predict(onePoint, { multimaskOutput: false, returnLogits: true });
      assert.deepEqual(single.masks.shape, [1, 150, 380]);
      assert.equal(single.masks.dtype, "float32");
      assert.ok(single.masks.gt(0).any().item(), "an empty mask shows nothing");
      assert.ok(single.masks.le(0).any().item(), "a full mask shows nothing");
    });
  });

  test("gives the same masks for the same picture twice, and others for another picture", () => {
    using sam = nanoSam();
    using predictor = new SamPredictor(sam);
    scope(() => {
      predictor.setImage(picture(wide));
      const first = predictor.predict(box).lowResMasks;
      predictor.setImage(picture(wide, 2));
      const other = predictor.predict(box).lowResMasks;
      predictor.setImage(picture(wide));
      const again = predictor.predict(box).lowResMasks;
      assert.ok(first.equal(again));
      assert.ok(largestDifference(first, other) > 1e-3);
    });
  });

  test("prompts in another order get the same masks in that order, of any form", () => {
    using sam = nanoSam();
    using predictor = new SamPredictor(sam);
    predictor.setImage(picture(wide));
    scope(() => {
      const refined: SamPrompt = { ...onePoint, maskInput: predictor.predict(onePoint).lowResMasks.narrow(0, 1, 1) };
      const prompts = [
        onePoint,
        box,
        twoPoints,
        { ...onePoint, ...box },
        { pointCoords: [[5, 5]], pointLabels: [0] } as SamPrompt,
        refined,
      ];
      const answer = predictor.predictBatch(prompts);
      assert.deepEqual(answer.masks.shape, [6, 3, 150, 380]);
      const order = [4, 2, 5, 0, 3, 1];
      const permuted = predictor.predictBatch(order.map((i) => prompts[i]!));
      for (const [at, place] of order.entries()) {
        assert.ok(largestDifference(permuted.lowResMasks.select(0, at), answer.lowResMasks.select(0, place)) < 2e-5);
        assert.ok(
          largestDifference(permuted.iouPredictions.select(0, at), answer.iouPredictions.select(0, place)) < 2e-5,
        );
      }
      for (const [i, prompt] of prompts.entries()) {
        const alone = predictor.predict(prompt);
        assert.ok(largestDifference(alone.lowResMasks, answer.lowResMasks.select(0, i)) < 2e-5, `prompt ${i} alone`);
        for (const [j] of prompts.entries())
          if (j > i)
            assert.ok(
              largestDifference(alone.lowResMasks, answer.lowResMasks.select(0, j)) > 1e-3,
              `${i} and ${j} agree`,
            );
      }
    });
  });

  test("takes an embedding that was computed before", () => {
    using sam = nanoSam();
    using predictor = new SamPredictor(sam);
    predictor.setImage(picture(tall));
    using other = new SamPredictor(sam);
    scope(() => {
      other.setEmbedding(predictor.embedding, tall);
      assert.ok(other.predict(onePoint).masks.equal(predictor.predict(onePoint).masks));
      assert.throws(
        () => other.setEmbedding(predictor.embedding.narrow(1, 0, 32), tall),
        /\[1, 32, 16, 16\].*\[1, 64, 16, 16\]/s,
      );
    });
  });

  test("refuses prompts that ask nothing or lie outside, by name", () => {
    using sam = nanoSam();
    using predictor = new SamPredictor(sam);
    assert.throws(() => predictor.predict(onePoint), /no picture.*setImage/s);
    predictor.setImage(picture(wide));
    const refusal = (prompt: SamPrompt): string => {
      try {
        predictor.predict(prompt);
      } catch (error) {
        if (error instanceof Problem) return error.message;
        throw error;
      }
      return assert.fail("not refused");
    };
    assert.match(refusal({}), /no point, no box and no mask/);
    assert.match(refusal({ pointCoords: [], pointLabels: [] }), /no point, no box and no mask/);
    assert.match(refusal({ pointCoords: [[1, 1]], pointLabels: [] }), /1 points and 0 labels/);
    assert.match(refusal({ pointCoords: [[1, 1], [381, 3]], pointLabels: [1, 1] }), /point 2.*\(381, 3\).*380×150/s); // biome-ignore format: one prompt a line
    assert.match(refusal({ pointCoords: [[1, 200]], pointLabels: [1] }), /point 1.*\(1, 200\)/s);
    assert.match(refusal({ pointCoords: [[Number.NaN, 2]], pointLabels: [1] }), /NaN/);
    assert.match(refusal({ pointCoords: [[1, 1]], pointLabels: [2 as 1] }), /label 2/);
    assert.match(refusal({ box: [100, 100, 50, 120] }), /-50 wide and 20 high/);
    assert.match(refusal({ box: [100, 100, 100, 120] }), /0 wide/);
    assert.match(refusal({ box: [-1, 0, 50, 50] }), /\(-1, 0, 50, 50\).*inside the picture/s);
    assert.match(refusal({ box: [0, 0, 150, 380] }), /inside the picture, 380×150/);
    scope(() => assert.match(refusal({ maskInput: Tensor.of([[1]]) }), /\[1, 1\].*\[1, 64, 64\]/s));
    assert.throws(() => predictor.predictBatch([onePoint, {}]), /prompt 2/);
    predictor.predict({ box: [0, 0, 380, 150] }); // the whole picture
  });

  test("leaves no tensor behind", () => {
    using sam = nanoSam();
    const before = liveTensors().count;
    {
      using predictor = new SamPredictor(sam);
      for (const size of [wide, tall]) {
        predictor.setImage(picture(size));
        scope(() => predictor.predictBatch([onePoint, box]) && undefined);
      }
      assert.equal(liveTensors().count, before + 1);
    }
    assert.equal(liveTensors().count, before);
  });
});

describe("SAM on a batch", () => {
  test("of pictures of different sizes with prompts of different number gives each what it gets alone", () => {
    using sam = nanoSam();
    noGrad(() =>
      scope(() => {
        const framed = [picture(wide), picture(tall), picture({ height: 256, width: 256 })].map((one) =>
          frameImage(one, sam.imageSize),
        );
        const prompts = [[onePoint, box], [twoPointsTall, onePoint, { box: [0, 0, 100, 50] } as SamPrompt], []];
        const image = Tensor.share(
          Float32Array.from(framed.flatMap((one) => [...one.image.toNumbers()])),
          [3, 3, 256, 256],
        );
        const answers = sam.call({ image, frames: framed.map(({ frame }) => frame), prompts });
        assert.deepEqual(answers.map(({ lowResMasks }) => lowResMasks.shape), [[2, 3, 64, 64], [3, 3, 64, 64], [0, 3, 64, 64]]); // biome-ignore format: three shapes
        for (const [i, { image, frame }] of framed.entries()) {
          const [alone] = sam.call({ image, frames: [frame], prompts: [prompts[i]!] });
          if (prompts[i]!.length === 0) continue;
          assert.ok(largestDifference(alone!.lowResMasks, answers[i]!.lowResMasks) < 2e-5, `picture ${i}`);
          assert.ok(largestDifference(alone!.iouPredictions, answers[i]!.iouPredictions) < 2e-5, `picture ${i}`);
        }
      }),
    );
  });

  test("trains: a gradient reaches every parameter that took part", () => {
    using sam = nanoSam();
    scope(() => {
      const { image, frame } = frameImage(picture(wide), sam.imageSize);
      const maskInput = Tensor.from(new Float32Array(64 * 64).fill(0.5), [1, 64, 64]);
      const prompts: SamPrompt[] = [twoPoints, { ...box, maskInput }];
      const sum = (multimaskOutput: boolean) => {
        const [answer] = sam.call({ image, frames: [frame], prompts: [prompts], multimaskOutput });
        return answer!.lowResMasks.square().sum().add(answer!.iouPredictions.sum());
      };
      sum(true).add(sum(false)).backward();
      const untouched = [...sam.namedParameters()].filter(([, { grad }]) => !grad?.any().item()).map(([name]) => name);
      assert.deepEqual(untouched, []);
    });
  });
});

const twoPointsTall: SamPrompt = { ...twoPoints, pointCoords: [[200, 20], [30, 320]] }; // biome-ignore format: two points

describe("SAM's input frame", () => {
  test("fills the longest side and rounds halves up, as ResizeLongestSide does", () => {
    assert.deepEqual(inputFrame({ height: 1024, width: 2048 }, 1024).inner, { height: 512, width: 1024 });
    assert.deepEqual(inputFrame({ height: 720, width: 1280 }, 1024).inner, { height: 576, width: 1024 });
    assert.deepEqual(inputFrame({ height: 333, width: 207 }, 256).inner, { height: 256, width: 159 });
    assert.deepEqual(inputFrame({ height: 3, width: 2048 }, 1024).inner, { height: 2, width: 1024 });
    assert.deepEqual(intoFrame([1280, 360], inputFrame({ height: 720, width: 1280 }, 1024)), [1024, 288]);
  });

  test("leaves zeros at the right or at the bottom", () => {
    scope(() => {
      const { image, frame } = frameImage(picture(wide), 256);
      assert.deepEqual(image.shape, [1, 3, 256, 256]);
      assert.deepEqual(frame.inner, { height: 101, width: 256 });
      assert.ok(!image.narrow(2, 101, 155).any().item());
      assert.ok(image.narrow(2, 100, 1).any().item());
    });
  });
});

const cities = path.resolve(import.meta.dirname, "../../../../../shared/data/cityscapes/leftImg8bit");

test("a real street, asked by points, boxes and an earlier mask", {
  skip: !existsSync(cities) && `no ${cities}`,
}, async () => {
  const file = readdirSync(cities, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith(".png"))!;
  const street = await readPicture(path.join(cities, file));
  Generator.default().seed(1);
  using sam = buildSam("nano").eval();
  using predictor = new SamPredictor(sam);
  predictor.setImage(street);
  scope(() => {
    const { height, width } = street.size;
    const middle: SamPrompt = { pointCoords: [[width / 2, height / 2]], pointLabels: [1] };
    const first = predictor.predict(middle);
    assert.deepEqual(first.masks.shape, [3, height, width]);
    const best = first.iouPredictions.argmax().item();
    const refined = predictor.predict({ ...middle, maskInput: first.lowResMasks.narrow(0, best, 1) });
    assert.ok(largestDifference(refined.lowResMasks, first.lowResMasks) > 0);
    predictor.setImage(street);
    assert.ok(predictor.predict(middle).masks.equal(first.masks));
  });
});
