import { msDeformAttn } from "@adsam/kernels";
import { arange, cat, full, nn, Problem, type Size, stack, Tensor } from "@adsam/torch";

export interface DeformableAttentionConfig {
  readonly dim: number;
  readonly numHeads: number;
  readonly numLevels: number;
  readonly numPoints: number;
  /** Whether sampling points move with the query; without, they keep the ring they start from (an ablation). */
  readonly deformable: boolean;
}

/**
 * Multi-scale deformable attention (Deformable DETR, Zhu et al. 2021, eq. 3): every query looks at a few points a head and
 * level, which it chooses itself. Names are Deformable DETR's.
 */
export class DeformableAttention extends nn.Module {
  readonly samplingOffsets: nn.Linear;
  readonly attentionWeights: nn.Linear;
  readonly valueProj: nn.Linear;
  readonly outputProj: nn.Linear;
  private readonly config: DeformableAttentionConfig;

  constructor(config: DeformableAttentionConfig) {
    super();
    const { dim, numHeads, numLevels, numPoints } = config;
    if (dim % numHeads !== 0)
      throw new Problem({
        what: "deformable attention",
        found: `${dim} channels for ${numHeads} heads`,
        expected: "a multiple",
      });
    this.config = config;
    this.samplingOffsets = new nn.Linear(dim, numHeads * numLevels * numPoints * 2);
    this.attentionWeights = new nn.Linear(dim, numHeads * numLevels * numPoints);
    this.valueProj = new nn.Linear(dim, dim);
    this.outputProj = new nn.Linear(dim, dim);
    this.initialise();
  }

  /** Heads start looking in evenly spread directions, one pixel farther a point, all equally strongly. */
  private initialise(): void {
    const { numHeads, numLevels, numPoints, deformable } = this.config;
    const ring: number[] = [];
    for (let head = 0; head < numHeads; head++) {
      const angle = (2 * Math.PI * head) / numHeads;
      const reach = Math.max(Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle)));
      for (let level = 0; level < numLevels; level++)
        for (let point = 1; point <= numPoints; point++)
          ring.push((Math.cos(angle) / reach) * point, (Math.sin(angle) / reach) * point);
    }
    nn.init.zeros_(this.samplingOffsets.weight);
    const start = Tensor.of(ring);
    this.samplingOffsets.bias!.setData(start);
    start.dispose();
    if (!deformable) this.samplingOffsets.requiresGrad_(false);
    nn.init.zeros_(this.attentionWeights.weight);
    nn.init.zeros_(this.attentionWeights.bias!);
    for (const layer of [this.valueProj, this.outputProj]) {
      nn.init.xavierUniform_(layer.weight);
      nn.init.zeros_(layer.bias!);
    }
  }

  /**
   * @param query [B, dim, H, W]; every cell is a query at its own place
   * @param levels maps [B, dim, Hl, Wl], finest or coarsest first as the network was trained
   * @returns [B, dim, H, W]
   */
  forward(query: Tensor, levels: readonly Tensor[]): Tensor {
    const { dim, numHeads, numLevels, numPoints } = this.config;
    const [b, , h, w] = query.dims4("query");
    const queries = query.flatten({ startDim: 2 }).transpose(1, 2); // [B, dim, H, W] → [B, H·W, dim]
    const shapes = levels.flatMap((level) => level.shape.slice(2));
    const tokens = cat(
      levels.map((level) => level.flatten({ startDim: 2 }).transpose(1, 2)),
      { dim: 1 },
    ); // [B, S, dim]
    const value = this.valueProj.call(tokens).reshape([b, -1, numHeads, dim / numHeads]);
    const offsets = this.samplingOffsets.call(queries).reshape([b, h * w, numHeads, numLevels, numPoints, 2]); // in pixels of the level
    const weights = this.attentionWeights
      .call(queries)
      .reshape([b, h * w, numHeads, numLevels * numPoints])
      .softmax(-1);
    const scale = pixelSizes(levels).reshape([1, 1, 1, numLevels, 1, 2]);
    const locations = offsets.mul(scale).add(centres({ height: h, width: w }, query)); // (x, y) in [0, 1]
    const attended = msDeformAttn(
      value,
      shapes,
      locations,
      weights.reshape([b, h * w, numHeads, numLevels, numPoints]),
    );
    return this.outputProj.call(attended).transpose(1, 2).reshape([b, dim, h, w]);
  }
}

/** (width, height) of a pixel of each level, the map being 1 × 1: [nLevels, 2]. Made where the levels are: a copy would wait for a GPU. */
function pixelSizes(levels: readonly Tensor[]): Tensor {
  const sides = levels.flatMap((level) => [1 / level.size(3), 1 / level.size(2)]);
  return stack(sides.map((side) => full([], side, { dtype: "float32", device: levels[0]!.device }))).reshape([-1, 2]);
}

/** Middles of the cells of a grid, (x, y) in [0, 1]: [1, H·W, 1, 1, 1, 2]. */
function centres({ height, width }: Size, like: Tensor): Tensor {
  const axis = (length: number) => arange(0, length, { dtype: "float32", device: like.device }).add(0.5).div(length);
  const y = axis(height).reshape([height, 1]).expand([height, width]);
  const x = axis(width).reshape([1, width]).expand([height, width]);
  return stack([x, y], { dim: -1 }).reshape([1, height * width, 1, 1, 1, 2]);
}
