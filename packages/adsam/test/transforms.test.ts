import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { LabelMap, Picture } from "../src/data/picture.js";
import { Random } from "../src/data/random.js";
import { adjustBrightness, adjustContrast, adjustSaturation } from "../src/data/transforms/colour.js";
import { cropLabel, cropPicture, mirrorLabel, mirrorPicture, paddingColour } from "../src/data/transforms/geometry.js";
import { denormalise, normalise } from "../src/data/transforms/normalise.js";
import { applyTransforms, checkRecipe, paperTransforms, type TransformRecipe } from "../src/data/transforms/recipe.js";
import { noiseBytes } from "./data-fixtures.js";

const size = { height: 4, width: 7 };
/** Red is the pixel's id, so that picture and label can be seen to move together. */
const label: LabelMap = { data: Uint8Array.from({ length: 28 }, (_, i) => i), size };
const picture: Picture = { data: Uint8Array.from({ length: 84 }, (_, i) => (i % 3 === 0 ? i / 3 : 200)), size };
const reds = ({ data }: Picture): number[] => [...data].filter((_, i) => i % 3 === 0);
const still: TransformRecipe = { size: null, scale: null, crop: null, mirror: 0, jitter: null };

describe("geometry", () => {
  test("the mirror turns each row, and twice is nothing", () => {
    const turned = mirrorPicture(picture);
    assert.deepEqual(reds(turned).slice(0, 8), [6, 5, 4, 3, 2, 1, 0, 13]);
    assert.deepEqual([...mirrorLabel(label).data], reds(turned));
    assert.deepEqual(mirrorPicture(turned), picture);
    assert.deepEqual(mirrorLabel(mirrorLabel(label)), label);
  });

  test("a window inside, and one that hangs over each edge", () => {
    const window = { height: 2, width: 3 };
    assert.deepEqual(reds(cropPicture(picture, { top: 1, left: 2 }, window)), [9, 10, 11, 16, 17, 18]);
    assert.deepEqual([...cropLabel(label, { top: 1, left: 2 }, window).data], [9, 10, 11, 16, 17, 18]);
    assert.deepEqual([...cropLabel(label, { top: -1, left: -2 }, window).data], [255, 255, 255, 255, 255, 0]);
    assert.deepEqual([...cropLabel(label, { top: 3, left: 5 }, window).data], [26, 27, 255, 255, 255, 255]);
    assert.deepEqual([...cropPicture(picture, { top: 3, left: 5 }, window).data.subarray(6, 9)], [...paddingColour]);
    assert.deepEqual([...cropLabel(label, { top: 0, left: 9 }, window).data], new Array(6).fill(255));
  });
});

describe("colour", () => {
  const colours: Picture = { data: Uint8Array.of(10, 200, 30, 250, 0, 90), size: { height: 1, width: 2 } };

  test("brightness scales and clamps", () => {
    assert.deepEqual([...adjustBrightness(colours, 1.5).data], [15, 255, 45, 255, 0, 135]);
    assert.equal(adjustBrightness(colours, 1), colours);
  });

  test("contrast blends with the mean grey, saturation with each pixel's own", () => {
    // greys: ⌊0.2989·10 + 0.587·200 + 0.114·30⌋ = 123, ⌊0.2989·250 + 0.114·90⌋ = 84; mean 103.5
    assert.deepEqual([...adjustContrast(colours, 0).data], new Array(6).fill(104));
    assert.deepEqual([...adjustContrast(colours, 0.5).data], [57, 152, 67, 177, 52, 97]);
    assert.deepEqual([...adjustSaturation(colours, 0).data], [123, 123, 123, 84, 84, 84]);
    assert.deepEqual([...adjustSaturation(colours, 2).data], [0, 255, 0, 255, 0, 96]);
  });
});

describe("normalise", () => {
  test("channels first, ImageNet's statistics; and back", () => {
    const values = normalise(picture);
    const at = (c: number, i: number): number => values[c * 28 + i]!;
    assert.ok(Math.abs(at(0, 13) - (13 / 255 - 0.485) / 0.229) < 1e-6);
    assert.ok(Math.abs(at(1, 5) - (200 / 255 - 0.456) / 0.224) < 1e-6);
    assert.ok(Math.abs(at(2, 27) - (200 / 255 - 0.406) / 0.225) < 1e-6);
    assert.deepEqual(denormalise(values, size), picture);
  });

  test("into a batch's array at its place", () => {
    const batch = new Float32Array(2 * 84);
    normalise(picture, undefined, batch, 84);
    assert.deepEqual(batch.subarray(84), normalise(picture));
    assert.ok(batch.subarray(0, 84).every((value) => value === 0));
  });
});

describe("a recipe", () => {
  test("nothing asked, nothing done", () => {
    assert.deepEqual(applyTransforms({ picture, label }, still, new Random(1)), { picture, label, mirrored: false });
  });

  test("the paper's: resized without keeping the aspect, mirrored half of the time and told so", () => {
    const recipe = paperTransforms({ height: 8, width: 8 });
    const plain = applyTransforms({ picture, label }, { ...recipe, mirror: 0 }, new Random(0));
    assert.deepEqual(plain.picture.size, { height: 8, width: 8 });
    let mirrored = 0;
    for (let i = 0; i < 400; i++) {
      const sample = applyTransforms({ picture, label }, recipe, new Random("mirror", i));
      if (sample.mirrored) mirrored++;
      assert.deepEqual(sample.picture, sample.mirrored ? mirrorPicture(plain.picture) : plain.picture);
      assert.deepEqual(sample.label, sample.mirrored ? mirrorLabel(plain.label!) : plain.label);
    }
    assert.ok(mirrored > 160 && mirrored < 240, `${mirrored} of 400`);
  });

  test("picture and label stay together through scale, crop and mirror", () => {
    const cell = 20;
    const steps = { height: 4 * cell, width: 7 * cell };
    const ids = Uint8Array.from({ length: 28 * cell * cell }, (_, i) => {
      const [row, column] = [Math.floor(i / steps.width / cell), Math.floor((i % steps.width) / cell)];
      return row * 7 + column;
    });
    const big: LabelMap = { data: ids, size: steps };
    const painted: Picture = {
      data: Uint8Array.from({ length: 3 * ids.length }, (_, i) => 8 * ids[Math.floor(i / 3)]!),
      size: steps,
    };
    const recipe: TransformRecipe = { ...still, scale: [0.5, 2], crop: { height: 60, width: 82 }, mirror: 0.5 };
    const corners = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const sample = applyTransforms({ picture: painted, label: big }, recipe, new Random("together", i));
      assert.deepEqual(sample.label!.size, recipe.crop);
      let [inside, same] = [0, 0];
      for (const [at, id] of sample.label!.data.entries()) {
        if (id === 255) continue;
        inside++;
        if (sample.picture.data[3 * at] === 8 * id) same++;
      }
      assert.ok(inside > 0 && same / inside > 0.6, `draw ${i}: ${same} of ${inside}`);
      corners.add(`${sample.label!.data[0]}`);
    }
    assert.ok(corners.size > 5, "the windows lie in many places");
  });

  test("a window lies within a larger picture, and holds the whole of a smaller one, on each axis", () => {
    const ids = Uint8Array.from({ length: 28 }, (_, i) => i);
    for (let i = 0; i < 60; i++) {
      const crop = (height: number, width: number): Uint8Array =>
        applyTransforms(
          { picture, label: { data: ids, size } },
          { ...still, crop: { height, width } },
          new Random("window", i),
        ).label!.data;
      assert.ok(!crop(3, 2).includes(255));
      assert.deepEqual(
        crop(9, 11).filter((id) => id !== 255),
        ids,
      );
      assert.equal(crop(2, 9).filter((id) => id !== 255).length, 14, "two whole rows");
      assert.equal(crop(6, 3).filter((id) => id !== 255).length, 12, "three whole columns");
    }
  });

  test("the same generator, the same sample; another, another", () => {
    const noise: Picture = { data: noiseBytes("noise", 84), size };
    const jitter = { brightness: 0.4, contrast: 0.4, saturation: 0.4 };
    const draw = (...key: (string | number)[]) =>
      applyTransforms({ picture: noise, label }, { ...still, jitter }, new Random(...key)).picture.data;
    assert.deepEqual(draw("a", 1), draw("a", 1));
    assert.notDeepEqual(draw("a", 1), draw("a", 2));
  });

  test("impossible numbers are refused by key", () => {
    assert.throws(
      () => checkRecipe({ ...still, mirror: 1.5 }),
      /transform "mirror": found 1\.5, expected a probability/,
    );
    assert.throws(() => checkRecipe({ ...still, scale: [2, 0.5], crop: size }), /transform "scale": found \[2,0\.5\]/);
    assert.throws(() => checkRecipe({ ...still, scale: [0.5, 2] }), /transform "crop": found null/);
    assert.throws(() => checkRecipe({ ...still, size: { height: 0, width: 4 } }), /transform "size"/);
    assert.throws(
      () => checkRecipe({ ...still, jitter: { brightness: -1, contrast: 0, saturation: 0 } }),
      /"jitter\.brightness": found -1/,
    );
  });
});

describe("random", () => {
  test("a sequence that must never change: checkpoints and cached data depend on it", () => {
    const random = new Random("sample", 7, 0, 3);
    assert.deepEqual([random.uint32(), random.uint32(), random.uint32()], [3220727730, 3519396177, 2429136007]);
  });

  test("keys do not run together", () => {
    const first = (...key: (string | number)[]): number => new Random(...key).uint32();
    const seen = new Set([
      first(1, 23),
      first(12, 3),
      first("1", 23),
      first(123),
      first("a", "b"),
      first("ab"),
      first('a","b'),
    ]);
    assert.equal(seen.size, 7);
  });

  test("a state saved and restored goes on alike", () => {
    const random = new Random("state");
    for (let i = 0; i < 5; i++) random.float();
    const copy = Random.from(JSON.parse(JSON.stringify(random.state)));
    for (let i = 0; i < 5; i++) assert.equal(copy.float(), random.float());
    assert.throws(() => Random.from([1, 2, 3] as never), /random state: found \[1,2,3\]/);
  });

  test("uniform, normal and shuffled as they should be", () => {
    const random = new Random("moments");
    const n = 20000;
    let [sum, square, normal, normalSquare] = [0, 0, 0, 0];
    const places = new Int32Array(4);
    for (let i = 0; i < n; i++) {
      const value = random.float();
      sum += value;
      square += value * value;
      const z = random.normal();
      normal += z;
      normalSquare += z * z;
      places[random.shuffle([0, 1, 2, 3]).indexOf(0)]!++;
    }
    assert.ok(Math.abs(sum / n - 1 / 2) < 0.01 && Math.abs(square / n - 1 / 3) < 0.01);
    assert.ok(Math.abs(normal / n) < 0.03 && Math.abs(normalSquare / n - 1) < 0.04);
    for (const count of places) assert.ok(Math.abs(count - n / 4) < 0.03 * n);
  });
});
