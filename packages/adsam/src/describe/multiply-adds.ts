import type { Tensor } from "@adsam/torch";

/** What is counted, in words for whoever reads the number. */
export const countingRule =
  "Multiply-adds of convolutions, linear layers and matrix products, and of deformable layers also the sampling (4 a bilinear reading, " +
  "1 for its weight); biases, norms, activations, softmax, pooling and resizing are not counted";

type Count = (args: readonly unknown[], result: Tensor) => number;

const shape = (tensor: unknown): readonly number[] => (tensor as Tensor).shape;
const numel = (tensor: unknown): number => (tensor as Tensor).numel;
const inner: Count = ([left], result) => result.numel * shape(left).at(-1)!;

/** weight [O, C/groups, k…]: every output element is a sum over one filter. */
const convolution: Count = ([, weight], result) => (result.numel * numel(weight)) / shape(weight)[0]!;
/** weight [C, O/groups, k…]: every input element is spread by one filter. */
const transposed: Count = ([input, weight]) => (numel(input) * numel(weight)) / shape(weight)[0]!;

/** Of a deformable convolution: each channel is read once a tap, whatever the filters; then it is a convolution. */
const sampling: Count = ([input, weight, , mask], result) => {
  const [batch, , ...out] = result.shape;
  const taps = shape(weight)
    .slice(2)
    .reduce((a, b) => a * b, 1);
  return batch! * shape(input)[1]! * taps * out.reduce((a, b) => a * b, 1) * (mask ? 5 : 4);
};

const counts: Readonly<Record<string, Count>> = {
  "aten::conv1d": convolution,
  "aten::conv2d": convolution,
  "aten::conv_transpose2d": transposed,
  "aten::linear": inner,
  "aten::matmul": inner,
  "aten::mm": inner,
  "aten::bmm": inner,
  "aten::addmm": ([, left], result) => result.numel * shape(left).at(-1)!,
  "aten::baddbmm": ([, left], result) => result.numel * shape(left).at(-1)!,
  "adsam::conv3x3": convolution,
  "adsam::token_linear": inner,
  // x → weight1 → GELU → weight2: [hidden, C], then [O, hidden]
  "adsam::token_mlp": ([x, , , , weight1], result) => (numel(x) + result.numel) * shape(weight1)[0]!,
  "adsam::rel_pos_attention": ([qkv, , , , , window], result) => {
    const [, height, width] = shape(qkv); // [B, H, W, 3·C] → [B, H, W, C]
    const [down, across] = window as readonly number[];
    const [rows, columns] = [down || height!, across || width!]; // a window of 0 is the whole map
    return result.numel * (2 * rows * columns + rows + columns); // q·kᵀ and weights·v, q·rows and q·columns
  },
  "adsam::deform_conv2d": (args, result) => convolution(args, result) + sampling(args, result),
  // [B, Lq, nHeads, nLevels, nPoints, 2]: each output element blends nLevels·nPoints readings.
  "adsam::ms_deform_attn": ([, , locations], result) => {
    const [, , , levels, points] = shape(locations);
    return result.numel * levels! * points! * 5;
  },
};

/** Multiply-adds of one operator call; undefined for operators that are not counted. */
export function multiplyAdds(name: string, args: readonly unknown[], result: unknown): number | undefined {
  return counts[name]?.(args, result as Tensor);
}

/** Those among them that a deformable convolution spends on reading between pixels; 0 for other operators. */
export function readings(name: string, args: readonly unknown[], result: unknown): number {
  return name === "adsam::deform_conv2d" ? sampling(args, result as Tensor) : 0;
}
