import type { Tensor } from "@adsam/torch";

/**
 * Multi-scale deformable attention written to be read: each level is sampled as a picture by `gridSampler`, and all that a query
 * reads is weighed and added up. Arguments as for `msDeformAttn`, unchecked.
 */
export function msDeformAttnReference(
  value: Tensor,
  spatialShapes: readonly number[],
  samplingLocations: Tensor,
  attentionWeights: Tensor,
): Tensor {
  const [b, , nHeads, headDim] = value.dims4("value");
  const [, queries, , , points] = samplingLocations.shape as [number, number, number, number, number];
  const maps = value.permute([0, 2, 3, 1]); // [B, nHeads, headDim, S]
  let start = 0;
  let sum: Tensor | undefined;
  for (let l = 0; l < spatialShapes.length / 2; l++) {
    const [height, width] = [spatialShapes[2 * l]!, spatialShapes[2 * l + 1]!];
    const map = maps.narrow(3, start, height * width).reshape([b * nHeads, headDim, height, width]);
    const heads = samplingLocations.select(3, l).transpose(1, 2); // [B, nHeads, Lq, nPoints, 2]
    const grid = heads
      .reshape([b * nHeads, queries, points, 2])
      .mul(2)
      .sub(1); // [0, 1] → [-1, 1]
    const read = map.gridSampler(grid, 0, 0, false); // bilinear, zeros, borders at ±1: [B·nHeads, headDim, Lq, nPoints]
    const weights = attentionWeights
      .select(3, l)
      .transpose(1, 2)
      .reshape([b * nHeads, 1, queries, points]);
    const part = read.mul(weights).sum([-1]); // [B·nHeads, headDim, Lq]
    sum = sum ? sum.add(part) : part;
    start += height * width;
  }
  return sum!.reshape([b, nHeads * headDim, queries]).transpose(1, 2); // [B, Lq, nHeads·headDim]
}
