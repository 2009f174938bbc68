import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nn, scope, Tensor } from "@adsam/torch";
import { labelMap } from "../src/index.js";
import { callKernel } from "../src/library.js";
import { assertSameOnAnyThreads, filled } from "./helpers.js";

/** Enlarged in float64, then the first of the greatest; and by how much it leads the next. */
function reference(logits: Tensor, height: number, width: number): { ids: number[]; lead: number[] } {
  return scope(() => {
    const exact = logits.to({ dtype: "float64" });
    const sized = nn.functional.interpolate(exact, { size: { height, width }, mode: "bilinear" });
    const [batch, classes] = sized.dims4("logits");
    const values = sized.toNumbers();
    const area = height * width;
    const [ids, lead]: [number[], number[]] = [[], []];
    for (let b = 0; b < batch; b++)
      for (let i = 0; i < area; i++) {
        const scores = Array.from({ length: classes }, (_, c) => values[(b * classes + c) * area + i]!);
        const best = Math.max(...scores);
        const id = scores.indexOf(best);
        ids.push(id);
        lead.push(best - Math.max(...scores.filter((_, c) => c !== id), -1e9));
      }
    return { ids, lead };
  });
}

function assertLabels(found: Tensor, logits: Tensor, size: { height: number; width: number }, what: string): void {
  const { ids, lead } = reference(logits, size.height, size.width);
  assert.deepEqual([found.dtype, ...found.shape], ["uint8", logits.size(0), size.height, size.width], what);
  found.toNumbers().forEach((id, i) => {
    // Where two classes are equal but for rounding, either is right.
    assert.ok(id === ids[i] || lead[i]! < 1e-6, `${what}, pixel ${i}: ${id}, expected ${ids[i]} (by ${lead[i]})`);
  });
}

describe("label map kernel", () => {
  const sizes = [
    [1, 1],
    [1, 40],
    [5, 3],
    [9, 16],
    [17, 33],
    [24, 70],
  ] as const;
  for (const classes of [1, 2, 19])
    test(`enlarges, shrinks and leaves alone: ${classes} classes, from any size to any`, () => {
      for (const [h, w] of sizes)
        for (const [height, width] of sizes) {
          const logits = filled("logits", [2, classes, h, w], { dtype: "float32" });
          const what = `${h}×${w} → ${height}×${width}`;
          assertLabels(labelMap(logits, { height, width }), logits, { height, width }, what);
          const composite = callKernel("_label_map_composite", [logits, height, width]) as Tensor;
          assertLabels(composite, logits, { height, width }, `composite, ${what}`);
        }
    });

  test("whole factors, as a network's output meets a label: 2, 4 and 8", () => {
    for (const factor of [2, 4, 8]) {
      const logits = filled("whole", [1, 19, 12, 40], { dtype: "float32" });
      const size = { height: 12 * factor, width: 40 * factor };
      assertLabels(labelMap(logits, size), logits, size, `×${factor}`);
    }
  });

  test("the first of equals wins, at any size", () => {
    for (const [height, width] of sizes)
      assert.ok(
        labelMap(Tensor.of([[[[1]], [[2]], [[2]], [[0]]]]), { height, width })
          .toNumbers()
          .every((id) => id === 1),
      );
  });

  test("half precision, doubles, channels last and slices", () => {
    const size = { height: 21, width: 37 };
    for (const dtype of ["bfloat16", "float16", "float64"] as const) {
      const logits = filled("typed", [2, 5, 8, 11], { dtype });
      assertLabels(labelMap(logits, size), logits.to({ dtype: "float32" }), size, dtype);
    }
    const whole = filled("views", [3, 7, 9, 20], { dtype: "float32" });
    const last = whole.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
    for (const view of [last, whole.narrow(0, 1, 2), whole.narrow(3, 3, 11), whole.requiresGrad_()])
      assertLabels(labelMap(view, size), view.detach(), size, `strides ${view.strides}`);
    assertSameOnAnyThreads(() => [labelMap(filled("threads", [2, 6, 30, 31], { dtype: "float32" }), size)]);
  });

  test("254 classes are bytes; more, other ranks and empty sizes are refused", () => {
    const many = filled("many", [1, 254, 2, 3], { dtype: "float32" });
    assertLabels(labelMap(many, { height: 4, width: 5 }), many, { height: 4, width: 5 }, "254");
    const bad = (shape: number[]) => () =>
      labelMap(filled("bad", shape, { dtype: "float32" }), { height: 4, width: 5 });
    assert.throws(bad([1, 255, 2, 3]), /logits: found 255 classes, expected 1 to 254/);
    assert.throws(bad([19, 2, 3]), /label_map logits: found shape/);
    assert.throws(bad([1, 19, 0, 3]), /expected a height and a width above 0/);
    assert.throws(() => labelMap(many, { height: 0, width: 5 }), /size: found 0 by 5, expected above 0/);
    assert.throws(() => labelMap(many.to({ dtype: "int64" }), { height: 4, width: 5 }), /dtype/);
  });
});
