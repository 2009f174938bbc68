import { arange, type Tensor } from "@adsam/torch";
import { type DeformConv2dOptions, pair } from "../deform-conv2d.js";

/**
 * Deformable convolution written to be read, in plain tensor operators: every tap's reading is laid out as a column, then one matrix
 * product. Slow and hungry (all columns at once); differentiable as often as wanted. Arguments as for `deformConv2d`, unchecked.
 */
export function deformConv2dReference(
  input: Tensor,
  weight: Tensor,
  offset: Tensor,
  { mask, bias, groups = 1, offsetGroups = 1, ...sizes }: DeformConv2dOptions = {},
): Tensor {
  const [stride, padding, dilation] = [pair(sizes.stride ?? 1), pair(sizes.padding ?? 0), pair(sizes.dilation ?? 1)];
  const [b, c, h, w] = input.dims4("input");
  const [o, , kH, kW] = weight.dims4("weight");
  const { height: outH, width: outW } = offset.spatialSize("offset");
  const taps = kH * kW;
  const { dtype, device } = input;
  const steps = (count: number, step: number) => arange(count, { dtype, device }).mul(step);

  // Where each tap reads, in pixels: [B, offsetGroups, taps, outH, outW]
  const moved = offset.reshape([b, offsetGroups, taps, 2, outH, outW]);
  const tapY = steps(kH, dilation[0]).sub(padding[0]).repeatInterleave(kW).reshape([taps, 1, 1]);
  const tapX = steps(kW, dilation[1]).sub(padding[1]).repeat([kH]).reshape([taps, 1, 1]);
  const y = moved
    .select(3, 0)
    .add(tapY)
    .add(steps(outH, stride[0]).reshape([outH, 1]));
  const x = moved.select(3, 1).add(tapX).add(steps(outW, stride[1]));

  const pictures = input.reshape([b, offsetGroups, c / offsetGroups, h * w]);
  let columns = readBilinear(pictures, y, x, h, w); // [B, offsetGroups, C/offsetGroups, taps·outH·outW]
  if (mask) columns = columns.mul(mask.reshape([b, offsetGroups, 1, taps * outH * outW]));

  const matrices = weight.reshape([1, groups, o / groups, (c / groups) * taps]);
  const output = matrices
    .matmul(columns.reshape([b, groups, (c / groups) * taps, outH * outW]))
    .reshape([b, o, outH, outW]);
  return bias ? output.add(bias.reshape([1, o, 1, 1])) : output;
}

/** Reads pictures [B, G, C, H·W] at places y, x [B, G, …] in pixels, zero outside → [B, G, C, number of places]. */
function readBilinear(pictures: Tensor, y: Tensor, x: Tensor, height: number, width: number): Tensor {
  const [b, groups, channels] = pictures.dims4("pictures");
  const top = y.detach().floor();
  const left = x.detach().floor();
  let sum: Tensor | undefined;
  for (const down of [0, 1])
    for (const right of [0, 1]) {
      const row = top.add(down);
      const column = left.add(right);
      const inside = row.ge(0).logicalAnd(row.lt(height)).logicalAnd(column.ge(0)).logicalAnd(column.lt(width));
      const shareY = down ? y.sub(top) : top.add(1).sub(y);
      const shareX = right ? x.sub(left) : left.add(1).sub(x);
      const share = shareY.mul(shareX).mul(inside); // [B, G, …]
      const index = row
        .clamp({ min: 0, max: height - 1 })
        .mul(width)
        .add(column.clamp({ min: 0, max: width - 1 }));
      const flat = index.to({ dtype: "int64" }).reshape([b, groups, 1, -1]);
      const part = pictures.gather(3, flat.expand([-1, -1, channels, -1])).mul(share.reshape([b, groups, 1, -1]));
      sum = sum ? sum.add(part) : part;
    }
  return sum!;
}
