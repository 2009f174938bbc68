import assert from "node:assert/strict";
import { test } from "node:test";
import { empty, type Tensor } from "@adsam/torch";
import { callKernel } from "../src/library.js";
import { assertClose, filled } from "./helpers.js";

/** Every way through native/common/gemm.h, reached by an operator that is there for this test alone. */
interface Way {
  readonly bias?: Tensor;
  /** Added by the hook, after bias and ReLU. */
  readonly addend?: Tensor;
  /** What C holds before; it is added to. */
  readonly start?: Tensor;
  readonly relu?: boolean;
  readonly aTransposed?: boolean;
  readonly bTransposed?: boolean;
  readonly packed?: boolean;
  readonly set?: string;
}

function multiply(a: Tensor, b: Tensor, way: Way = {}): Tensor {
  const { bias, addend, start, relu = false, aTransposed = false, bTransposed = false, packed = true, set = "" } = way;
  return callKernel("_matmul", [a, b, bias, addend, start, relu, aTransposed, bTransposed, packed, set]) as Tensor;
}

function expected(a: Tensor, b: Tensor, { bias, addend, start, relu, aTransposed, bTransposed }: Way): Tensor {
  let c = (aTransposed ? a.t() : a).matmul(bTransposed ? b.t() : b);
  if (start) c = c.add(start);
  if (bias) c = c.add(bias);
  if (relu) c = c.relu();
  return addend ? c.add(addend) : c;
}

/** The instruction sets this machine has; the baseline is everywhere. */
const sets = ["baseline", "avx2", "avx512", "avx512_bf16"].filter((set) => {
  try {
    multiply(filled("a", [1, 1]), filled("b", [1, 1]), { set });
    return true;
  } catch {
    return false;
  }
});

/** A matrix whose rows lie `spare` numbers further apart than they are long, those numbers being NaN. */
function spaced(name: string, rows: number, columns: number, spare: number, dtype: "float32" | "float64"): Tensor {
  const wide = empty([rows, columns + spare], { dtype }).fill_(Number.NaN);
  const part = wide.slice({ dim: 1, end: columns });
  part.copy_(filled(name, [rows, columns], { dtype }));
  return part;
}

// m, n, k: one of each, tails of rows and columns on every instruction set, several chunks, blocks of k and panels.
const sizes = [
  [1, 1, 1],
  [2, 3, 0],
  [5, 27, 3],
  [7, 16, 2],
  [13, 33, 40],
  [25, 65, 9],
  [49, 80, 31],
  [9, 130, 259],
  [50, 31, 1030],
  [3, 300, 300],
] as const;

for (const set of ["avx512", "avx2", "baseline"])
  test(`the packed product agrees with libtorch's at awkward sizes: ${set}`, (t) => {
    if (!sets.includes(set)) return t.skip(`this CPU has no ${set}`);
    for (const dtype of ["float32", "float64"] as const)
      for (const [m, n, k] of sizes)
        for (const [aTransposed, bTransposed, packed] of [
          [false, false, true],
          [true, false, true],
          [false, true, true],
          [false, false, false],
          [true, false, false],
        ] as const) {
          const a = aTransposed ? spaced("a", k, m, 3, dtype) : spaced("a", m, k, 3, dtype);
          const b = bTransposed ? spaced("b", n, k, 5, dtype) : spaced("b", k, n, 5, dtype);
          const more = {
            bias: filled("bias", [n], { dtype }),
            addend: filled("addend", [m, n], { dtype }),
            relu: true,
          };
          for (const epilogue of [{}, more, { start: filled("start", [m, n], { dtype }) }]) {
            const way = { ...epilogue, aTransposed, bTransposed, packed, set };
            const tolerance = dtype === "float64" ? 1e-14 * (k + 1) : 3e-7 * (Math.sqrt(k) + 1);
            assertClose(multiply(a, b, way), expected(a, b, way), tolerance, JSON.stringify([m, n, k, dtype, way.set]));
          }
        }
  });

test("a sum that is not a number stays one after ReLU", () => {
  const a = filled("a", [3, 4]).fill_(Number.NaN);
  for (const set of sets)
    assert.ok(
      multiply(a, filled("b", [4, 18]), { relu: true, set })
        .toNumbers()
        .every(Number.isNaN),
      set,
    );
});

test("a row does not change with the rows beside it", () => {
  const [a, b] = [filled("a", [29, 300], { dtype: "float32" }), filled("b", [300, 70], { dtype: "float32" })];
  const all = multiply(a, b);
  for (const i of [0, 5, 23, 28]) {
    const one = multiply(a.slice({ start: i, end: i + 1 }), b);
    assert.deepEqual(one.toArray(), all.slice({ start: i, end: i + 1 }).toArray());
  }
});
