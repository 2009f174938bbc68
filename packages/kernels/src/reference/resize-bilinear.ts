import { type Size, Tensor } from "@adsam/torch";

/** Bilinear resizing as two matrix products, one an axis: [B, C, h, w] → [B, C, height, width], by definition. */
export function resizeBilinearReference(input: Tensor, { height, width }: Size): Tensor {
  const [, , h, w] = input.dims4("input");
  const rows = weights(h, height).to({ dtype: input.dtype, device: input.device });
  const columns = weights(w, width).to({ dtype: input.dtype, device: input.device });
  return rows.matmul(input).matmul(columns.transpose(0, 1));
}

/** Row i says what output place i reads of each input place: [output, input]. */
function weights(input: number, output: number): Tensor {
  const matrix = Array.from({ length: output }, () => new Array<number>(input).fill(0));
  for (const [i, row] of matrix.entries()) {
    const place = Math.max((input / output) * (i + 0.5) - 0.5, 0);
    const lower = Math.min(Math.floor(place), input - 1);
    const upper = Math.min(lower + 1, input - 1);
    row[lower]! += 1 - (place - lower);
    row[upper]! += place - lower;
  }
  return Tensor.from(Float64Array.from(matrix.flat()), [output, input]);
}
