import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { scope, Tensor } from "@adsam/torch";
import { authorsDenseCrf, type DenseCrfOptions, denseCrf, permutohedralFilter } from "../src/index.js";
import { permutohedralReference } from "../src/reference/permutohedral.js";
import { assertSameOnAnyThreads, filled } from "./helpers.js";

/** Σ_j exp(−|f_i − f_j|²/2) v_j as it is written. */
function gaussianSum(values: Tensor, features: Tensor): number[] {
  const [count, channels] = values.dims2("values");
  const [, dims] = features.dims2("features");
  const [v, f] = [values.toNumbers(), features.toNumbers()];
  const out = new Array<number>(count * channels).fill(0);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < count; j++) {
      let square = 0;
      for (let k = 0; k < dims; k++) square += (f[i * dims + k]! - f[j * dims + k]!) ** 2;
      const near = Math.exp(-square / 2);
      for (let c = 0; c < channels; c++) out[i * channels + c]! += near * v[j * channels + c]!;
    }
  return out;
}

/** `Σ near·v / Σ near`: the lattice's gain is no part of it. */
const normalised = (sums: ArrayLike<number>, ones: ArrayLike<number>): number[] =>
  Array.from(sums, (sum, i) => sum / ones[i]!);

const rootMeanSquare = (a: ArrayLike<number>): number =>
  Math.sqrt(Array.from(a).reduce((sum, x) => sum + x * x, 0) / a.length);

/** A grid's features: its places divided by `sigma`, and as many further ones that vary smoothly. */
function gridFeatures(height: number, width: number, sigma: number, further: number): Tensor {
  const dims = 2 + further;
  const data = new Float32Array(height * width * dims);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const own = [x / sigma, y / sigma];
      for (let k = 0; k < further; k++) own.push(1.5 * Math.sin(0.2 * (k + 1) * x + 0.13 * (k + 2) * y));
      data.set(own, (y * width + x) * dims);
    }
  return Tensor.from(data, [height * width, dims]);
}

describe("permutohedral filter", () => {
  // At a place of few neighbours much of what is blurred falls on vertices that are not there; what is left is normalised.
  for (const [further, sigma, bound] of [
    [0, 3, 0.02],
    [1, 4, 0.04],
    [3, 6, 0.12],
  ] as const)
    test(`${2 + further} features: near the Gaussian sums written out`, () => {
      scope(() => {
        const [height, width] = [23, 31];
        const features = gridFeatures(height, width, sigma, further);
        const ones = Tensor.from(new Float32Array(height * width).fill(1), [height * width, 1]);
        const wave = Float32Array.from({ length: height * width }, (_, i) => {
          const [x, y] = [i % width, Math.floor(i / width)];
          return Math.sin(x / 7) + Math.cos(y / 6) + (((i * 7919) % 101) / 101 - 0.5);
        });
        const values = Tensor.from(wave, [height * width, 1]);
        const exact = normalised(gaussianSum(values, features), gaussianSum(ones, features));
        const found = normalised(
          permutohedralFilter(values, features).toNumbers(),
          permutohedralFilter(ones, features).toNumbers(),
        );
        const error = rootMeanSquare(found.map((v, i) => v - exact[i]!)) / rootMeanSquare(exact);
        assert.ok(error < bound, `relative error ${error}`);
      });
    });

  test("amid a picture the sum is a constant share of the Gaussian's, 0.88 for two features", () => {
    scope(() => {
      const [height, width, sigma] = [41, 44, 3];
      const ones = Tensor.from(new Float32Array(height * width).fill(1), [height * width, 1]);
      const sums = permutohedralFilter(ones, gridFeatures(height, width, sigma, 0)).toNumbers();
      for (let y = 14; y < height - 14; y++)
        for (let x = 14; x < width - 14; x++) {
          const share = sums[y * width + x]! / (2 * Math.PI * sigma ** 2);
          assert.ok(Math.abs(share - 0.8823) < 0.005, `${share} at ${x}, ${y}`);
        }
    });
  });

  for (const dims of [1, 2, 3, 5, 7])
    test(`${dims} features: the lattice's numbers, vertex by vertex, also where places lie far apart and below 0`, () => {
      scope(() => {
        const count = 211;
        const features = filled("features", [count, dims], { dtype: "float32", lo: -6, hi: dims > 3 ? 1 : 9 });
        const values = filled("values", [count, 3], { dtype: "float32" });
        const [f, v] = [features.toNumbers(), values.toNumbers()];
        const rows = Array.from({ length: count }, (_, i) => Array.from(f.slice(i * dims, (i + 1) * dims)));
        const found = permutohedralFilter(values, features).toNumbers();
        for (let c = 0; c < 3; c++) {
          const channel = rows.map((_, i) => v[i * 3 + c]!);
          permutohedralReference(channel, rows).forEach((expected, i) => {
            assert.ok(Math.abs(found[i * 3 + c]! - expected) < 2e-5, `${found[i * 3 + c]}, expected ${expected}`);
          });
        }
      });
    });

  test("refuses other shapes, and deviations so small that places do not fit into keys", () => {
    const [values, features] = [filled("v", [4, 2], { dtype: "float32" }), filled("f", [3, 2], { dtype: "float32" })];
    assert.throws(() => permutohedralFilter(values, features), /features: found 3 rows, expected 4, one for each row/);
    const wide = filled("w", [4, 8], { dtype: "float32" });
    assert.throws(() => permutohedralFilter(values, wide), /features: found 8 a place, expected 1 to 7/);
    const far = filled("w", [4, 7], { dtype: "float32", lo: 0, hi: 1e5 });
    assert.throws(() => permutohedralFilter(values, far), /features that span \d+ bits, expected 60 or fewer/);
  });
});

/** Two fields of colour, their probabilities right by `sure` on average, with noise. */
function noisyFields(height: number, width: number, classes: number) {
  const truth = new Uint8Array(height * width);
  const rgb = new Uint8Array(height * width * 3);
  for (let i = 0; i < truth.length; i++) {
    truth[i] = (i % width) + Math.floor(i / width) / 2 < width / 2 ? 0 : classes - 1;
    rgb.set(truth[i] === 0 ? [90, 100, 110] : [180, 60, 40], i * 3);
  }
  const noise = filled("noise", [classes, height, width], { dtype: "float32", lo: 0, hi: 2 }).toNumbers();
  const logits = Float32Array.from(
    noise,
    (n, i) => n + (truth[i % truth.length] === Math.floor(i / truth.length) ? 0.9 : 0),
  );
  const probabilities = Tensor.from(logits, [classes, height, width]).softmax(0);
  const right = (map: Tensor) => {
    const ids = map.argmax({ dim: 0 }).toNumbers();
    return ids.filter((id, i) => id === truth[i]).length / truth.length;
  };
  return { probabilities, picture: Tensor.from(rgb, [height, width, 3]), right };
}

/** The same model with sums written out, normalised on both sides by the root of the sum of ones. */
function meanField(
  probabilities: Tensor,
  picture: Tensor,
  { gaussian, bilateral, iterations }: DenseCrfOptions,
): number[] {
  const [classes, height, width] = probabilities.shape as [number, number, number];
  const area = height * width;
  const rgb = picture.toNumbers();
  const near = (i: number, j: number, sigma: number) =>
    ((i % width) - (j % width)) ** 2 / sigma ** 2 + (Math.floor(i / width) - Math.floor(j / width)) ** 2 / sigma ** 2;
  const like = (i: number, j: number) =>
    [0, 1, 2].reduce((sum, c) => sum + (rgb[3 * i + c]! - rgb[3 * j + c]!) ** 2, 0) / bilateral.colour ** 2;
  const kernels = [
    { weight: gaussian.weight, square: (i: number, j: number) => near(i, j, gaussian.sigma) },
    { weight: bilateral.weight, square: (i: number, j: number) => near(i, j, bilateral.sigma) + like(i, j) },
  ].map(({ weight, square }) => {
    const k = Float64Array.from({ length: area * area }, (_, e) =>
      Math.exp(-square(Math.floor(e / area), e % area) / 2),
    );
    const norm = Array.from(
      { length: area },
      (_, i) => 1 / Math.sqrt(k.subarray(i * area, (i + 1) * area).reduce((a, b) => a + b)),
    );
    return k.map((value, e) => weight * value * norm[Math.floor(e / area)]! * norm[e % area]!);
  });
  const unary = Array.from(probabilities.toNumbers(), (p) => Math.log(Math.max(1e-5, p)));
  const soften = (scores: number[]) => {
    const out = scores.map((s) => Math.exp(s));
    for (let i = 0; i < area; i++) {
      let sum = 0;
      for (let c = 0; c < classes; c++) sum += out[c * area + i]!;
      for (let c = 0; c < classes; c++) out[c * area + i]! /= sum;
    }
    return out;
  };
  let q = soften(unary);
  for (let step = 0; step < iterations; step++) {
    const scores = [...unary];
    for (const k of kernels)
      for (let c = 0; c < classes; c++)
        for (let i = 0; i < area; i++)
          for (let j = 0; j < area; j++) scores[c * area + i]! += k[i * area + j]! * q[c * area + j]!;
    q = soften(scores);
  }
  return q;
}

describe("dense CRF", () => {
  test("a noisy label map becomes better, and its edge stays where the colour changes", () => {
    scope(() => {
      const { probabilities, picture, right } = noisyFields(37, 52, 5);
      const [before, after] = [right(probabilities), right(denseCrf(probabilities, picture))];
      assert.ok(before < 0.8 && after > 0.97, `${before} → ${after}`);
      // Without colours the edge is smoothed over.
      const blind = denseCrf(probabilities, Tensor.from(new Uint8Array(37 * 52 * 3), [37, 52, 3]));
      assert.ok(right(blind) < after, `${right(blind)} without colours`);
    });
  });

  test("marginals near those of sums written out", () => {
    scope(() => {
      const { probabilities, picture } = noisyFields(15, 22, 3);
      const options = {
        gaussian: { sigma: 3, weight: 1 },
        bilateral: { sigma: 4, colour: 30, weight: 1.5 },
        iterations: 4,
      };
      const exact = meanField(probabilities, picture, options);
      const found = denseCrf(probabilities, picture, options).contiguous().toNumbers();
      const error = rootMeanSquare(found.map((p, i) => p - exact[i]!));
      assert.ok(error < 0.03, `root mean square ${error}`);
    });
  });

  test("probabilities in, probabilities out; no iterations or no weights leave them as they are", () => {
    scope(() => {
      const { probabilities, picture } = noisyFields(5, 9, 19);
      const sums = denseCrf(probabilities, picture).sum([0]).toNumbers();
      assert.ok(sums.every((sum) => Math.abs(sum - 1) < 1e-5));
      const given = probabilities.toNumbers();
      const none = { ...authorsDenseCrf, iterations: 0 };
      const weightless = {
        gaussian: { sigma: 5, weight: 0 },
        bilateral: { sigma: 5, colour: 13, weight: 0 },
        iterations: 3,
      };
      for (const options of [none, weightless]) {
        const same = denseCrf(probabilities, picture, options).contiguous().toNumbers();
        assert.ok(same.every((p, i) => Math.abs(p - given[i]!) < 1e-6));
      }
    });
  });

  test("one pixel, one row, one class", () => {
    scope(() => {
      for (const [classes, height, width] of [
        [1, 4, 3],
        [4, 1, 1],
        [3, 1, 40],
      ] as const) {
        const { probabilities, picture } = noisyFields(height, width, classes);
        const found = denseCrf(probabilities, picture);
        assert.deepEqual([...found.shape], [classes, height, width]);
        assert.ok(
          found
            .contiguous()
            .toNumbers()
            .every((p) => p >= 0 && p <= 1 + 1e-6),
        );
      }
    });
  });

  test("the same bits on any number of threads", () => {
    const { probabilities, picture } = noisyFields(130, 171, 4);
    assertSameOnAnyThreads(() => [denseCrf(probabilities, picture).contiguous()]);
  });

  test("refuses pictures of another size or dtype, and deviations of 0", () => {
    const { probabilities, picture } = noisyFields(6, 7, 3);
    const of = (change: Partial<DenseCrfOptions>) => () =>
      denseCrf(probabilities, picture, { ...authorsDenseCrf, ...change });
    assert.throws(
      () => denseCrf(probabilities, picture.narrow(0, 0, 5)),
      /dense_crf picture: found shape \[5, 7, 3\], expected \[6, 7, 3\]/,
    );
    assert.throws(
      () => denseCrf(probabilities, picture.to({ dtype: "float32" })),
      /dense_crf picture: found dtype Float, expected uint8/,
    );
    assert.throws(of({ gaussian: { sigma: 0, weight: 3 } }), /dense_crf deviation: found 0, expected a number above 0/);
    assert.throws(of({ iterations: -1 }), /dense_crf iterations: found -1/);
  });
});
