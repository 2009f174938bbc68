import { arange, cat, nn, randn, type Size, stack, type Tensor } from "@adsam/torch";

/** Positions as sines and cosines of random spatial frequencies (Tancik et al. 2020), which prompts and picture share in SAM. */
export class PositionEmbeddingRandom extends nn.Module {
  /** [2, C/2] */
  readonly positionalEncodingGaussianMatrix: Tensor;

  /** @param dim C: half of the channels are sines, half cosines */
  constructor(dim: number) {
    super();
    this.positionalEncodingGaussianMatrix = nn.buffer(randn([2, dim / 2]));
  }

  /** Points (x, y), each from 0 to 1 over the picture: [..., 2] → [..., C]. */
  forward(points: Tensor): Tensor {
    const phase = points
      .mul(2)
      .sub(1)
      .matmul(this.positionalEncodingGaussianMatrix)
      .mul(2 * Math.PI);
    return cat([phase.sin(), phase.cos()], { dim: -1 });
  }

  /** The centres of a grid's cells: → [1, C, H, W]. */
  grid({ height, width }: Size): Tensor {
    const { device, dtype } = this.positionalEncodingGaussianMatrix;
    const centres = (count: number) => arange(count, { device, dtype }).add(0.5).div(count);
    const y = centres(height).unsqueeze(1).expand([height, width]);
    const x = centres(width).unsqueeze(0).expand([height, width]);
    return this.forward(stack([x, y], { dim: -1 }))
      .permute([2, 0, 1]) // [H, W, C] → [C, H, W]
      .unsqueeze(0);
  }
}
