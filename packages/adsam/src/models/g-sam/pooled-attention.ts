import { arange, nn, type Size, stack, type Tensor, zeros } from "@adsam/torch";
import { relativePositions } from "../sam/relative-position.js";
import { joinWindows, splitWindows } from "../sam/windows.js";

/** Keys and values are averaged onto so many cells a side. */
const cells = 3;

/**
 * SAM's attention with keys and values averaged onto 3×3 cells of the window, or of the whole map (G-SAM's code; its paper does not tell of
 * it): the cost grows with the number of tokens, not with its square. Queries are the tokens themselves.
 *
 * Layers that make keys and values are linear, and so is the mean: they are applied to the nine means, which the reference has the other way
 * round. Tokens that a window has beyond the map are zeros before those layers, as in SAM, and count in the means.
 */
export class PooledAttention extends nn.Module {
  /** [3·C, C]: queries, keys, values */
  readonly qkv: nn.Linear;
  readonly proj: nn.Linear;
  readonly relPosH: Tensor;
  readonly relPosW: Tensor;

  /**
   * @param windowSize side of a window in tokens; 0 attends globally
   * @param grid side of the map, in tokens, that global relative positions are made for
   */
  constructor(
    dim: number,
    private readonly numHeads: number,
    private readonly windowSize: number,
    grid: number,
  ) {
    super();
    this.qkv = new nn.Linear(dim, 3 * dim);
    this.proj = new nn.Linear(dim, dim);
    const length = 2 * (windowSize === 0 ? grid : windowSize) - 1;
    this.relPosH = nn.parameter(zeros([length, dim / numHeads]));
    this.relPosW = nn.parameter(zeros([length, dim / numHeads]));
  }

  /** @param tokens [B, H, W, C], normalised → the same shape */
  forward(tokens: Tensor): Tensor {
    const [, height, width, c] = tokens.dims4("tokens");
    const map = { height, width };
    const window = this.windowSize === 0 ? map : { height: this.windowSize, width: this.windowSize };
    const [d, weight, bias] = [c / this.numHeads, this.qkv.weight, this.qkv.bias!];
    const queries = tokens.linear(weight.narrow(0, 0, c), { bias: bias.narrow(0, 0, c) });
    const q = splitWindows(queries, window).unflatten(-1, [this.numHeads, d]).permute([0, 3, 1, 2, 4]); // [G, h, w, nHeads, D] → [G, nHeads, h, w, D]
    const means = meansOfCells(meansOfCells(splitWindows(tokens, window), 1), 2); // [G, h, w, C] → [G, 3, 3, C]
    const made = means.linear(weight.narrow(0, c, 2 * c), { bias: bias.narrow(0, c, 2 * c) }); // [G, 3, 3, 2·C]
    const keysValues = made.reshape([-1, cells ** 2, 2, this.numHeads, d]).permute([2, 0, 3, 1, 4]);
    const [k, v] = keysValues.unbind() as [Tensor, Tensor]; // [G, nHeads, 9, D]
    const weights = this.logits(q, k, window).softmax(-1).to({ dtype: v.dtype });
    const mixed = weights
      .matmul(v) // [G, nHeads, h·w, D]
      .unflatten(2, [window.height, window.width])
      .permute([0, 2, 3, 1, 4]) // [G, nHeads, h, w, D] → [G, h, w, nHeads, D]
      .flatten({ startDim: 3 });
    return this.proj.call(joinWindows(mixed, window, map));
  }

  /** @param q [G, nHeads, h, w, D] @param k [G, nHeads, 9, D] @returns [G, nHeads, h·w, 9] */
  private logits(q: Tensor, k: Tensor, { height, width }: Size): Tensor {
    const alike = q.flatten({ startDim: 2, endDim: 3 }).matmul(k.mul(q.size(-1) ** -0.5).transpose(-1, -2));
    const rows = q.matmul(distancesToCells(this.relPosH, height).transpose(-1, -2)); // [G, nHeads, h, w, 3]
    const columns = q.transpose(2, 3).matmul(distancesToCells(this.relPosW, width).transpose(-1, -2)).transpose(2, 3);
    return alike
      .unflatten(-1, [cells, cells])
      .add(rows.flatten({ startDim: 2, endDim: 3 }).unsqueeze(-1))
      .add(columns.flatten({ startDim: 2, endDim: 3 }).unsqueeze(-2))
      .flatten({ startDim: 3 });
  }
}

/** The means of three cells along an axis, as adaptive pooling cuts it: cells overlap by a token where three do not divide it. */
function meansOfCells(map: Tensor, axis: 1 | 2): Tensor {
  const size = map.size(axis);
  const means = Array.from({ length: cells }, (_, cell) => {
    const start = Math.floor((cell * size) / cells);
    return map.narrow(axis, start, Math.ceil(((cell + 1) * size) / cells) - start).mean([axis]);
  });
  return stack(means, { dim: axis });
}

/**
 * Rows of the learnt table for the distance from each token to each cell, the shorter of both axes stretched to the longer (MViTv2's rule;
 * distances are cut to whole numbers).
 * @param relPos [2·trained − 1, D] @param size tokens along the axis @returns [size, 3, D]
 */
function distancesToCells(relPos: Tensor, size: number): Tensor {
  const table = relativePositions(relPos, Math.max(size, cells));
  const along = (count: number, other: number) =>
    arange(count, { dtype: "float32", device: relPos.device }).mul(Math.max(other / count, 1));
  const far = (cells - 1) * Math.max(size / cells, 1);
  const distance = along(size, cells).unsqueeze(1).sub(along(cells, size).unsqueeze(0)).add(far); // [size, 3], ≥ 0
  return table.indexSelect(0, distance.reshape([-1]).to({ dtype: "int64" })).reshape([size, cells, -1]);
}
