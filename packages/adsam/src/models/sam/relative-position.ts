import { arange, callOperator, type Tensor } from "@adsam/torch";

/**
 * The learnt table of one axis, spread to every pair of query and key positions (MViTv2; SAM's decomposed relative positions).
 * A table made for another length is interpolated linearly.
 * @param relPos [2·trained − 1, headDim]
 * @returns [size, size, headDim], row = query, column = key
 */
export function relativePositions(relPos: Tensor, size: number): Tensor {
  const wanted = 2 * size - 1;
  const [length, headDim] = relPos.dims2("relPos");
  let table = relPos;
  if (length !== wanted) {
    const channelsFirst = relPos.reshape([1, length, headDim]).permute([0, 2, 1]); // [L, D] → [1, D, L]
    const resized = callOperator("aten::upsample_linear1d", "", [channelsFirst, [wanted], false, undefined]) as Tensor;
    table = resized.reshape([headDim, wanted]).permute([1, 0]);
  }
  const position = arange(size, { dtype: "int64", device: relPos.device });
  const distance = position
    .unsqueeze(1)
    .sub(position.unsqueeze(0))
    .add(size - 1); // [size, size], 0 … 2·size − 2
  return table.indexSelect(0, distance.flatten()).reshape([size, size, headDim]);
}
