import assert from "node:assert/strict";
import { test } from "node:test";
import { liveTensors, Problem, scope, Tensor } from "@adsam/torch";
import { DistanceMaps } from "../src/losses/distance-maps.js";
import {
  boundaryDistance,
  boundaryDistanceSquares,
  boundarySquaresOf,
  labelBoundary,
  signedDistances,
} from "../src/losses/distances.js";
import { predict } from "../src/losses/prediction.js";
import { surfaceLoss } from "../src/losses/surface.js";
import { labelsFor, logitsFor, sizes } from "./losses-fixtures.js";

type Grid = readonly (readonly number[])[];
type Wanted = (label: number, y: number, x: number) => boolean;

/** Distance from a pixel to the nearest one that is wanted, by looking at all; infinite where none is. */
function nearest(grid: Grid, y: number, x: number, wanted: Wanted): number {
  let best = Number.POSITIVE_INFINITY;
  for (const [v, row] of grid.entries())
    for (const [u, label] of row.entries()) if (wanted(label, v, u)) best = Math.min(best, Math.hypot(y - v, x - u));
  return best;
}

/** Whether a pixel has another label above, below, left or right. */
const onBoundary = (grid: Grid, y: number, x: number): boolean =>
  [grid[y - 1]?.[x], grid[y + 1]?.[x], grid[y]![x - 1], grid[y]![x + 1]].some(
    (other) => other !== undefined && other !== grid[y]![x],
  );

/** φ of one class as Kervadec et al. define it, by looking at all pixels. */
function signed(grid: Grid, y: number, x: number, id: number): number {
  const distance =
    grid[y]![x] === id
      ? 1 - nearest(grid, y, x, (label) => label !== id)
      : nearest(grid, y, x, (label) => label === id);
  return Number.isFinite(distance) ? distance : 0;
}

const gridsOf = (labels: Tensor): Grid[] => labels.toNested() as unknown as Grid[];

function assertNear(found: Tensor, expected: (index: readonly number[]) => number, what: string): void {
  const values = found.toNumbers();
  for (let i = 0; i < values.length; i++) {
    const index: number[] = [];
    for (let rest = i, dim = found.rank - 1; dim >= 0; dim--) {
      index.unshift(rest % found.size(dim));
      rest = Math.floor(rest / found.size(dim));
    }
    const wanted = expected(index);
    assert.ok(Math.abs(values[i]! - wanted) < 1e-5, `${what} at [${index}]: ${values[i]}, expected ${wanted}`);
  }
}

test("the boundary and the distance to it, against looking at every pixel", () => {
  for (const labels of [labelsFor(), labelsFor({ batch: 3, numClasses: 4, height: 13, width: 6 })]) {
    const grids = gridsOf(labels);
    assertNear(labelBoundary(labels), ([b, y, x]) => Number(onBoundary(grids[b!]!, y!, x!)), "boundary");
    assertNear(
      boundaryDistance(labels.to({ dtype: "int64" })),
      ([b, y, x]) => nearest(grids[b!]!, y!, x!, (_, v, u) => onBoundary(grids[b!]!, v, u)),
      "distance",
    );
  }
});

test("distances straight from the labels are those of the boundary, to the last bit", () => {
  for (const [batch, height, width] of [
    [1, 1, 1],
    [2, 1, 70],
    [1, 65, 1],
    [3, 40, 67],
  ] as const)
    for (const dtype of ["uint8", "int64"] as const) {
      const labels = labelsFor({ batch, numClasses: 5, height, width }).to({ dtype });
      assert.ok(boundaryDistanceSquares(labels).equal(boundarySquaresOf(labelBoundary(labels))), `[${labels.shape}]`);
    }
});

test("signed distances of all classes, against looking at every pixel", () => {
  const labels = labelsFor();
  const grids = gridsOf(labels);
  assertNear(
    signedDistances(labels, { numClasses: sizes.numClasses }),
    ([b, c, y, x]) => (grids[b!]![y!]![x!] === 255 ? 0 : signed(grids[b!]!, y!, x!, c!)),
    "signed distance",
  );
});

test("a picture of one label has no boundary, and no class to be outside of; a picture of one pixel is one", () => {
  for (const shape of [
    [1, 4, 5],
    [2, 1, 1],
    [1, 1, 6],
  ]) {
    const labels = Tensor.from(new Uint8Array(shape.reduce((a, b) => a * b)).fill(1), shape);
    assert.equal(boundaryDistance(labels).abs().max().item(), 0);
    assert.equal(signedDistances(labels, { numClasses: 3 }).abs().max().item(), 0);
  }
});

test("both surface losses are the sums they claim to be", () => {
  const [logits, labels] = [logitsFor(), labelsFor()];
  const grids = gridsOf(labels);
  const prediction = predict(logits, labels);
  const p = prediction.probabilities.toNested() as unknown as number[][][][];
  let [distance, boundary, elements] = [0, 0, 0];
  for (const [b, grid] of grids.entries())
    for (const [y, row] of grid.entries())
      for (const [x, label] of row.entries())
        for (let c = 0; c < sizes.numClasses; c++) {
          elements++;
          if (label === 255) continue;
          const toBoundary = nearest(grid, y, x, (_, v, u) => onBoundary(grid, v, u));
          distance += Math.abs(p[b]![c]![y]![x]! - Number(label === c)) * toBoundary;
          boundary += p[b]![c]![y]![x]! * signed(grid, y, x, c);
        }
  const near = (found: Tensor, sum: number) =>
    assert.ok(Math.abs(found.item() - sum / elements) < 1e-7, `${found.item()}`);
  near(surfaceLoss(prediction), distance);
  near(surfaceLoss(prediction, { form: "signed" }), boundary);
});

for (const form of ["distance", "signed"] as const) {
  const numClasses = sizes.numClasses;
  const direct = (labels: Tensor) =>
    form === "distance" ? boundaryDistance(labels) : signedDistances(labels, { numClasses });

  test(`kept maps (${form}) equal fresh ones bit for bit, and are found by content`, () => {
    using maps = new DistanceMaps({ form, numClasses });
    const labels = labelsFor();
    for (let turn = 0; turn < 2; turn++) assert.ok(maps.get(labels).equal(direct(labels)));
    assert.deepEqual(
      { hits: maps.use.hits, misses: maps.use.misses, entries: maps.use.entries },
      { hits: 2, misses: 2, entries: 2 },
    );
    assert.ok(maps.get(labels.flip([0])).equal(direct(labels.flip([0]))), "in another place of the batch");
    assert.equal(maps.use.hits, 4);
    const changed = labels.clone();
    changed.select(0, 0).select(0, 0).fill_(3);
    assert.ok(maps.get(changed).equal(direct(changed)));
    assert.equal(maps.use.misses, 3);
  });

  test(`kept maps (${form}) under a key serve the mirror image too`, () => {
    using maps = new DistanceMaps({ form, numClasses });
    const [labels, mirrored] = [labelsFor(), labelsFor().flip([-1])];
    assert.ok(
      maps
        .get(mirrored, [
          { id: "a", mirrored: true },
          { id: "b", mirrored: true },
        ])
        .equal(direct(mirrored)),
    );
    assert.ok(maps.get(labels, [{ id: "a" }, { id: "b" }]).equal(direct(labels)));
    assert.ok(maps.get(mirrored, [{ id: "a", mirrored: true }, undefined]).equal(direct(mirrored)));
    assert.deepEqual([maps.use.hits, maps.use.misses], [3, 3]);
    const narrower = labels.narrow(2, 0, 9);
    assert.ok(maps.get(narrower, [{ id: "a" }, { id: "b" }]).equal(direct(narrower)), "another size, another entry");
  });

  test(`kept maps (${form}) stay within their bytes, the oldest going first`, () => {
    const one = (i: number) =>
      Tensor.from(
        Uint8Array.from({ length: 48 }, (_, x) => Number(x % 8 < i)),
        [1, 6, 8],
      );
    using probe = new DistanceMaps({ form, numClasses });
    scope(() => void probe.get(one(1)));
    const each = probe.use.bytes;
    assert.equal(each, (form === "signed" ? 2 : 1) * 48 * 2, "two bytes a pixel and plane");
    using maps = new DistanceMaps({ form, numClasses, maxBytes: 3 * each });
    const before = liveTensors();
    scope(() => {
      for (const i of [1, 2, 3, 1, 4]) maps.get(one(i)); // 2 is the one used longest ago
      assert.deepEqual(maps.use, { hits: 1, misses: 4, entries: 3, bytes: 3 * each });
      maps.get(one(1));
      assert.equal(maps.use.hits, 2);
      maps.get(one(2));
      assert.equal(maps.use.misses, 5);
    });
    assert.equal(liveTensors().count - before.count, 3, "three maps alive, nothing else");
    maps.clear();
    assert.deepEqual(liveTensors(), before);
    assert.equal(maps.use.bytes, 0);
    using none = new DistanceMaps({ form, numClasses, maxBytes: 0 });
    scope(() => assert.ok(none.get(one(3)).equal(direct(one(3)))));
    assert.equal(none.use.entries, 0);
  });
}

test("distances beyond 181 pixels are kept exactly", () => {
  const labels = Tensor.from(
    Uint8Array.from({ length: 2 * 700 }, (_, i) => Number(i % 700 < 20)),
    [1, 2, 700],
  );
  for (const form of ["distance", "signed"] as const) {
    using maps = new DistanceMaps({ form, numClasses: 2 });
    for (let turn = 0; turn < 2; turn++) {
      const map = maps.get(labels);
      assert.ok(map.equal(form === "distance" ? boundaryDistance(labels) : signedDistances(labels, { numClasses: 2 })));
      assert.ok(map.max().item() > 600);
    }
  }
});

test("a batch with another number of keys is refused", () => {
  using maps = new DistanceMaps({ form: "distance", numClasses: 5 });
  assert.throws(
    () => maps.get(labelsFor(), [{ id: "a" }]),
    (error: Error) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.message, "distance maps: found 1 keys, expected 2, one a picture");
      return true;
    },
  );
});
