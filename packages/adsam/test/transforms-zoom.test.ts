import assert from "node:assert/strict";
import { test } from "node:test";
import { paperTransforms } from "../src/data/transforms/recipe.js";
import { zoomed } from "../src/data/transforms/zoom.js";
import { paperRecipe } from "../src/train/recipe.js";
import { zoomAt } from "../src/train/transforms.js";

test("half of the sizes: the window in steps of the network, the picture to the pixel", () => {
  const whole = paperTransforms({ height: 352, width: 480 });
  assert.deepEqual(zoomed(whole, 0.5).size, { height: 192, width: 256 }); // 176 lies between 160 and 192
  const window = { ...whole, scale: [0.6, 1.6] as const, crop: { height: 256, width: 320 } };
  const half = zoomed(window, 0.5);
  assert.deepEqual(
    [half.size, half.crop, half.scale],
    [{ height: 176, width: 240 }, { height: 128, width: 160 }, [0.6, 1.6]],
  );
  assert.deepEqual(zoomed(window, 0.01).crop, { height: 32, width: 32 });
});

test("at factor 1, and where pictures keep their own size, nothing changes", () => {
  const whole = paperTransforms({ height: 100, width: 480 });
  assert.equal(zoomed(whole, 1), whole);
  const own = { ...whole, size: null };
  assert.equal(zoomed(own, 0.5), own);
});

test("the factor grows in a straight line until its share of the run is over", () => {
  const recipe = paperRecipe();
  assert.equal(zoomAt(recipe, 0), 1);
  const growing = { ...recipe, augment: { ...recipe.augment, grow: { from: 0.5, until: 0.8 } } };
  assert.deepEqual(
    [0, 0.2, 0.4, 0.8, 1].map((share) => Number(zoomAt(growing, share).toFixed(6))),
    [0.5, 0.625, 0.75, 1, 1],
  );
});
