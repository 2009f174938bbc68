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
  "adsam::deform_conv2d": (args, result) => convolution(args, result) + sampling(args, result),
  // [B, Lq, nHeads, nLevels, nPoints, 2]: each output element blends nLevels·nPoints readings.
  "adsam::ms_deform_attn": ([, , locations], result) => {
    const [, , , levels, points] = shape(locations);
    return result.numel * levels! * points! * 5;
  },
  // [2·height − 1, D] and [2·width − 1, D]: a query meets every key of its window twice, and a position for each row and column.
  "adsam::rel_pos_attention": ([, relPosH, relPosW], result) => {
    const height = (shape(relPosH)[0]! + 1) / 2;
    const width = (shape(relPosW)[0]! + 1) / 2;
    return result.numel * (2 * height * width + height + width);
  },
  "adsam::token_linear": inner,
  "adsam::token_mlp": ([, , , , weight1, , weight2], result) =>
    (result.numel / result.shape.at(-1)!) * (numel(weight1) + numel(weight2)),
};

/** Multiply-adds of one operator call; undefined for operators that are not counted. */
export function multiplyAdds(name: string, args: readonly unknown[], result: unknown): number | undefined {
  return counts[name]?.(args, result as Tensor);
}

/** Those among them that a deformable convolution spends on reading between pixels; 0 for other operators. */
export function readings(name: string, args: readonly unknown[], result: unknown): number {
  return name === "adsam::deform_conv2d" ? sampling(args, result as Tensor) : 0;
}
