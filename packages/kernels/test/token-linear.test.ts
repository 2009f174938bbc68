import assert from "node:assert/strict";
import { test } from "node:test";
import { autocast, nn, noGrad, type Tensor } from "@adsam/torch";
import { servesTokens, type TokenOptions, tokenLinear, tokenMlp } from "../src/index.js";
import { assertClose, assertSameOnAnyThreads, filled } from "./helpers.js";

const eps = 1e-6;
const float = { dtype: "float32" } as const;

/** Weights of a layer with `count` inputs whose results stay near 1. */
const spread = (count: number) => ({ lo: -1 / Math.sqrt(count), hi: 1 / Math.sqrt(count), ...float });

/** Tokens, two layers there and back, a norm, and a residual for either result. */
function tensorsOf(tokens: readonly number[], width: number, hidden: number) {
  return {
    x: filled("x", [...tokens, width], { lo: -2, hi: 3, ...float }),
    lin1: {
      weight: filled("weight1", [hidden, width], spread(width)),
      bias: filled("bias1", [hidden], float),
    },
    lin2: {
      weight: filled("weight2", [width, hidden], spread(hidden)),
      bias: filled("bias2", [width], float),
    },
    norm: {
      weight: filled("norm weight", [width], { lo: 0.5, hi: 1.5, ...float }),
      bias: filled("norm bias", [width], float),
      eps,
    },
    wide: filled("wide", [...tokens, hidden], float),
    narrow: filled("narrow", [...tokens, width], float),
  };
}

const exact = (tensor: Tensor) => tensor.to({ dtype: "float64" });

function normal(x: Tensor, { norm }: TokenOptions): Tensor {
  if (!norm) return exact(x);
  const [weight, bias] = [exact(norm.weight!), exact(norm.bias!)];
  return exact(x).layerNorm([x.shape.at(-1)!], { weight, bias, eps: norm.eps });
}

/** The same layers one after the other, in float64. */
function plainLinear(x: Tensor, layer: { weight: Tensor; bias?: Tensor }, options: TokenOptions = {}): Tensor {
  const bias = layer.bias && exact(layer.bias);
  const result = normal(x, options).linear(exact(layer.weight), { ...(bias && { bias }) });
  return options.residual ? result.add(exact(options.residual)) : result;
}

function plainMlp(
  x: Tensor,
  lin1: { weight: Tensor; bias?: Tensor },
  lin2: { weight: Tensor; bias?: Tensor },
  options: TokenOptions = {},
): Tensor {
  const hidden = nn.functional.gelu(plainLinear(x, lin1, options.norm ? { norm: options.norm } : {}));
  const result = plainLinear(hidden, lin2);
  return options.residual ? result.add(exact(options.residual)) : result;
}

/** Tokens, width and hidden width: one of all, none a multiple of anything, SAM's proportions with several chunks. */
const cases = [
  [[1], 1, 1],
  [[2, 3, 5], 17, 45],
  [[130], 96, 400],
  [[3, 33], 64, 771],
] as const;

for (const [tokens, width, hidden] of cases)
  test(`float32 layers over ${tokens.join("×")} tokens of ${width}, ${hidden} between`, () => {
    const { x, lin1, lin2, norm, wide, narrow } = tensorsOf(tokens, width, hidden);
    for (const options of [{}, { norm }, { norm, residual: wide }, { residual: wide }])
      assertClose(tokenLinear(x, lin1, options), plainLinear(x, lin1, options), 3e-6, Object.keys(options).join());
    for (const options of [{}, { norm }, { norm, residual: narrow }, { residual: narrow }])
      assertClose(
        tokenMlp(x, lin1, lin2, options),
        plainMlp(x, lin1, lin2, options),
        3e-6,
        Object.keys(options).join(),
      );
    const [bare1, bare2] = [{ weight: lin1.weight }, { weight: lin2.weight }];
    assertClose(tokenLinear(x, bare1), plainLinear(x, bare1), 3e-6, "without bias");
    assertClose(tokenMlp(x, bare1, bare2), plainMlp(x, bare1, bare2), 3e-6, "without biases");
    if (tokens.length > 1) {
      const residual = wide.narrow(0, 0, 1);
      assertClose(tokenLinear(x, lin1, { residual }), plainLinear(x, lin1, { residual }), 3e-6, "broadcast residual");
    }
  });

for (const [tokens, width, hidden] of cases)
  test(`bfloat16 layers over ${tokens.join("×")} tokens of ${width}, ${hidden} between`, () => {
    const { x, lin1, lin2, norm, wide, narrow } = tensorsOf(tokens, width, hidden);
    const low = <T>(body: () => T) => autocast({ device: "cpu", dtype: "bfloat16" }, body);
    const made = low(() => tokenLinear(x, lin1, { norm }));
    assert.equal(made.dtype, "bfloat16");
    assertClose(made, plainLinear(x, lin1, { norm }), 0.012, "linear");
    const added = low(() => tokenLinear(x, lin1, { norm, residual: wide }));
    assert.equal(added.dtype, "float32");
    assertClose(added, plainLinear(x, lin1, { norm, residual: wide }), 0.012, "linear with residual");
    const stored = x.to({ dtype: "bfloat16" });
    const weight = lin1.weight.to({ dtype: "bfloat16" });
    // Products of rounded numbers are exact in float32: what is left is the order of the sums.
    assertClose(
      low(() => tokenLinear(stored, { weight }, { residual: wide })),
      plainLinear(stored, { weight }, { residual: wide }),
      3e-6,
      "bfloat16 in memory",
    );
    const mixed = low(() => tokenMlp(x, lin1, lin2, { norm, residual: narrow }));
    assertClose(mixed, plainMlp(x, lin1, lin2, { norm, residual: narrow }), 0.02, "mlp");
  });

test("GELU holds from the far left to the far right", () => {
  const places = [-1e6, -100, -6, -5.5, -5, -3, -1, -1e-3, 0, 1e-3, 1, 3, 5, 6, 100, 1e6];
  const x = filled("unused", [places.length, 1], float);
  x.copy_(filled("unused", [places.length, 1], float).mul(0));
  for (const [i, place] of places.entries()) x.narrow(0, i, 1).fill_(place);
  const one = filled("unused", [1, 1], float).mul(0).add(1);
  const found = tokenMlp(x, { weight: one }, { weight: one });
  const expected = nn.functional.gelu(exact(x));
  const error = exact(found)
    .sub(expected)
    .abs()
    .div(exact(x).abs().clamp({ min: 1 }))
    .max()
    .item();
  assert.ok(error < 5e-7, `${error}`);
  x.fill_(Number.NaN);
  assert.ok(tokenMlp(x, { weight: one }, { weight: one }).isnan().all().item());
});

test("bits do not depend on the number of threads", () => {
  const { x, lin1, lin2, norm } = tensorsOf([130], 96, 400);
  assertSameOnAnyThreads(() => [tokenLinear(x, lin1, { norm }), tokenMlp(x, lin1, lin2, { norm })]);
});

test("serves tensors of the CPU in float32 or bfloat16 that no graph is recorded through", () => {
  const { x, lin1 } = tensorsOf([2], 3, 4);
  assert.ok(servesTokens(x, lin1.weight, undefined));
  assert.ok(!servesTokens(x, exact(lin1.weight)));
  lin1.weight.requiresGrad = true;
  assert.ok(!servesTokens(x, lin1.weight));
  assert.ok(noGrad(() => servesTokens(x, lin1.weight)));
  assert.throws(() => tokenLinear(x, lin1), /token_linear: found an argument that requires gradients/);
  assert.throws(() => tokenMlp(x, lin1, lin1), /token_mlp: found an argument that requires gradients/);
});

test("arguments that do not fit are named", () => {
  const { x, lin1, lin2, norm } = tensorsOf([2], 3, 4);
  assert.throws(() => tokenLinear(x, lin2), /token_linear weight: found shape \[3, 4\], expected \[out, 3\]/);
  assert.throws(() => tokenLinear(exact(x), lin1), /token_linear x: found dtype Double, expected float32 or bfloat16/);
  assert.throws(() => tokenLinear(x, { ...lin1, bias: x }), /token_linear bias: found shape \[2, 3\], expected \[4\]/);
  assert.throws(
    () => tokenLinear(x, lin1, { norm: { ...norm, bias: undefined } }),
    /norm: found one of weight and bias/,
  );
  assert.throws(() => tokenMlp(x, lin1, lin1), /token_mlp weight2: found shape \[4, 3\], expected \[out, 4\]/);
});
