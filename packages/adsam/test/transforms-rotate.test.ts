import assert from "node:assert/strict";
import { test } from "node:test";
import { IGNORE } from "../src/data/labels.js";
import { Random } from "../src/data/random.js";
import { paddingColour } from "../src/data/transforms/geometry.js";
import { applyTransforms, checkRecipe, type TransformRecipe } from "../src/data/transforms/recipe.js";
import { rotateLabel, rotatePicture } from "../src/data/transforms/rotate.js";

const size = { height: 3, width: 5 };
const label = { data: Uint8Array.from({ length: 15 }, (_, i) => i), size };
const picture = { data: Uint8Array.from({ length: 45 }, (_, i) => Math.floor(i / 3)), size };

test("turning by nothing, by half a turn and by a quarter moves whole pixels", () => {
  assert.deepEqual(rotateLabel(label, 0).data, label.data);
  assert.deepEqual([...rotateLabel(label, 180).data], [...label.data].reverse());
  const quarter = rotateLabel(label, 90).data; // counter-clockwise: what was right is on top, the sides are uncovered
  const expected = [
    [3, 8, 13],
    [2, 7, 12],
    [1, 6, 11],
  ].flatMap((row) => [IGNORE, ...row, IGNORE]);
  assert.deepEqual([...quarter], expected);
});

test("picture and label turn alike; uncovered corners are the mean colour and ignored", () => {
  for (const degrees of [-67, 35, 45]) {
    const [turned, ids] = [rotatePicture(picture, degrees).data, rotateLabel(label, degrees).data];
    assert.ok(ids.includes(IGNORE) && ids.some((id) => id !== IGNORE));
    for (const [i, id] of ids.entries())
      assert.deepEqual([...turned.subarray(3 * i, 3 * i + 3)], id === IGNORE ? [...paddingColour] : [id, id, id]);
  }
});

test("a recipe draws the angle; without one no number is drawn for it", () => {
  const recipe: TransformRecipe = { size: null, scale: null, crop: null, mirror: 0.5, jitter: null };
  const run = (rotate: number | undefined, place: number) =>
    applyTransforms({ picture, label }, { ...recipe, ...(rotate !== undefined && { rotate }) }, new Random(1, place));
  const places = Array.from({ length: 12 }, (_, place) => place);
  assert.deepEqual(
    places.map((place) => run(0, place)),
    places.map((place) => run(undefined, place)),
  );
  assert.ok(new Set(places.map((place) => run(90, place).label!.data.join())).size > 4);
  assert.throws(() => checkRecipe({ ...recipe, rotate: -1 }), /"rotate": found -1, expected degrees, 0 to 180/);
});
