import { callOperator, type Tensor } from "@adsam/torch";

/**
 * The learnt table of one axis for maps of another size (MViTv2; SAM's decomposed relative positions): interpolated linearly, or the
 * table itself where it fits.
 * @param relPos [2·trained − 1, headDim]
 * @returns [2·size − 1, headDim], a row for each distance from −(size − 1) to size − 1
 */
export function relativePositions(relPos: Tensor, size: number): Tensor {
  const wanted = 2 * size - 1;
  const [length, headDim] = relPos.dims2("relPos");
  if (length === wanted) return relPos;
  const channelsFirst = relPos.reshape([1, length, headDim]).permute([0, 2, 1]); // [L, D] → [1, D, L]
  const resized = callOperator("aten::upsample_linear1d", "", [channelsFirst, [wanted], false, undefined]) as Tensor;
  return resized.reshape([headDim, wanted]).permute([1, 0]);
}
