import type { Generator } from "../generator.js";
import { noGrad } from "../mode.js";
import { Problem } from "../problem.js";
import { scope } from "../scope.js";
import { Tensor } from "../tensor.js";

/** Where the numbers come from; the default generator of the tensor's device unless named. */
export interface Draw {
  readonly generator?: Generator;
}

export type Nonlinearity = "linear" | "sigmoid" | "tanh" | "relu" | "leakyRelu" | "selu";
export type FanMode = "fanIn" | "fanOut";

export interface KaimingOptions extends Draw {
  /** Negative slope of the leaky ReLU that follows. */
  readonly a?: number;
  readonly mode?: FanMode;
  readonly nonlinearity?: Nonlinearity;
}

let skipping = false;

/**
 * Modules made inside `body` keep the memory of their parameters as it comes and draw no random number: for a network that a
 * checkpoint fills at once, which is seconds sooner for hundreds of millions of weights. `body` must be synchronous.
 */
export function skipInit<T>(body: () => T): T {
  const before = skipping;
  skipping = true;
  try {
    return body();
  } finally {
    skipping = before;
  }
}

/** Fills a parameter without recording it; nothing but the parameter itself survives. */
function fill(tensor: Tensor, body: () => void): Tensor {
  if (!skipping) noGrad(() => scope(body));
  return tensor;
}

export function uniform_(tensor: Tensor, { from = 0, to = 1, generator }: { from?: number; to?: number } & Draw = {}) {
  return fill(tensor, () => tensor.uniform_({ from, to, generator: generator ?? null }));
}

export function normal_(tensor: Tensor, { mean = 0, std = 1, generator }: { mean?: number; std?: number } & Draw = {}) {
  return fill(tensor, () => tensor.normal_({ mean, std, generator: generator ?? null }));
}

export function constant_(tensor: Tensor, value: number): Tensor {
  return fill(tensor, () => tensor.fill_(value));
}

export function zeros_(tensor: Tensor): Tensor {
  return constant_(tensor, 0);
}

export function ones_(tensor: Tensor): Tensor {
  return constant_(tensor, 1);
}

/** A normal distribution cut at `a` and `b` (values, not deviations), by the inverse of its distribution function. */
export function truncNormal_(
  tensor: Tensor,
  { mean = 0, std = 1, a = -2, b = 2, generator }: { mean?: number; std?: number; a?: number; b?: number } & Draw = {},
): Tensor {
  return fill(tensor, () => {
    const [low, high] = [a, b].map((cut) => normalCdf((cut - mean) / std)) as [number, number];
    tensor.uniform_({ from: 2 * low - 1, to: 2 * high - 1, generator: generator ?? null });
    tensor.erfinv_();
    tensor
      .mul_(std * Math.sqrt(2))
      .add_(mean)
      .clamp_({ min: a, max: b });
  });
}

function normalCdf(x: number): number {
  return (
    (1 +
      Tensor.of(x / Math.sqrt(2), { dtype: "float64" })
        .erf()
        .item()) /
    2
  );
}

/** He et al. 2015, uniform: keeps the variance of what flows forward ("fanIn") or backward ("fanOut"). */
export function kaimingUniform_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd(tensor, options);
  return uniform_(tensor, { from: -bound, to: bound, ...drawOf(options) });
}

export function kaimingNormal_(tensor: Tensor, options: KaimingOptions = {}): Tensor {
  return normal_(tensor, { std: kaimingStd(tensor, options), ...drawOf(options) });
}

/** Glorot & Bengio 2010, uniform: a compromise between both directions. */
export function xavierUniform_(tensor: Tensor, { gain = 1, ...draw }: { gain?: number } & Draw = {}): Tensor {
  const bound = Math.sqrt(3) * xavierStd(tensor, gain);
  return uniform_(tensor, { from: -bound, to: bound, ...draw });
}

export function xavierNormal_(tensor: Tensor, { gain = 1, ...draw }: { gain?: number } & Draw = {}): Tensor {
  return normal_(tensor, { std: xavierStd(tensor, gain), ...draw });
}

/** How many inputs one output of a weight [out, in, ...kernel] sums over, and how many outputs one input reaches. */
export function fans(weight: Tensor): { fanIn: number; fanOut: number } {
  if (weight.rank < 2)
    throw new Problem({
      what: "initialisation by fan",
      found: `a tensor of shape [${weight.shape.join(", ")}]`,
      expected: "a weight of at least 2 dimensions, [out, in, ...kernel]",
    });
  const kernel = weight.shape.slice(2).reduce((product, size) => product * size, 1);
  return { fanIn: weight.size(1) * kernel, fanOut: weight.size(0) * kernel };
}

/** What a nonlinearity does to the standard deviation, inverted. */
export function gainOf(nonlinearity: Nonlinearity, a = 0.01): number {
  switch (nonlinearity) {
    case "tanh":
      return 5 / 3;
    case "relu":
      return Math.sqrt(2);
    case "leakyRelu":
      return Math.sqrt(2 / (1 + a ** 2));
    case "selu":
      return 3 / 4;
    default:
      return 1;
  }
}

function kaimingStd(tensor: Tensor, { a = 0, mode = "fanIn", nonlinearity = "leakyRelu" }: KaimingOptions): number {
  return gainOf(nonlinearity, a) / Math.sqrt(fans(tensor)[mode]);
}

function xavierStd(tensor: Tensor, gain: number): number {
  const { fanIn, fanOut } = fans(tensor);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

function drawOf({ generator }: Draw): Draw {
  return generator ? { generator } : {};
}

/** PyTorch's default for linear and convolution layers: weight, then bias, both uniform in ±1/√fanIn. */
export function defaultWeights_(weight: Tensor, bias: Tensor | undefined, draw: Draw = {}): void {
  kaimingUniform_(weight, { a: Math.sqrt(5), ...drawOf(draw) });
  if (!bias) return;
  const bound = 1 / Math.sqrt(fans(weight).fanIn);
  uniform_(bias, { from: -bound, to: bound, ...drawOf(draw) });
}
