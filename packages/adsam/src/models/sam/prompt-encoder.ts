import { cat, nn, type Size, type Tensor } from "@adsam/torch";
import { PositionEmbeddingRandom } from "./random-position.js";

/** Prompts of one form for P masks; what is absent was not given to any of them. Coordinates in pixels of the network's input. */
export interface PromptTensors {
  /** float32 [P, N, 2], (x, y) */
  readonly pointCoords?: Tensor;
  /** int64 [P, N]: 1 foreground, 0 background, −1 no point */
  readonly pointLabels?: Tensor;
  /** float32 [P, 4], (x0, y0, x1, y1) */
  readonly boxes?: Tensor;
  /** float32 [P, 1, 4·grid, 4·grid]: logits of an earlier mask */
  readonly masks?: Tensor;
}

export interface PromptEmbeddings {
  /** [P, tokens, C] */
  readonly sparse: Tensor;
  /** [P, C, grid, grid] */
  readonly dense: Tensor;
}

/** SAM's prompt encoder (Kirillov et al. 2023, §A), state-dict names as in the released checkpoints behind `prompt_encoder.`. */
export class PromptEncoder extends nn.Module {
  readonly peLayer: PositionEmbeddingRandom;
  /** What a point is: background, foreground, a box's first corner, its second. */
  readonly pointEmbeddings: nn.ModuleList<nn.Embedding>;
  readonly notAPointEmbed: nn.Embedding;
  readonly maskDownscaling: nn.Sequential;
  readonly noMaskEmbed: nn.Embedding;

  /**
   * @param embedDim C, the channels of the picture's embedding
   * @param grid side of that embedding, in cells
   * @param imageSize side of the network's input, in pixels
   */
  constructor(
    readonly embedDim: number,
    readonly grid: number,
    readonly imageSize: number,
    { maskInChans = 16 } = {},
  ) {
    super();
    this.peLayer = new PositionEmbeddingRandom(embedDim);
    this.pointEmbeddings = new nn.ModuleList(Array.from({ length: 4 }, () => new nn.Embedding(1, embedDim)));
    this.notAPointEmbed = new nn.Embedding(1, embedDim);
    const halving = { kernelSize: 2, stride: 2 };
    this.maskDownscaling = new nn.Sequential(
      new nn.Conv2d(1, maskInChans / 4, halving),
      new nn.LayerNorm2d(maskInChans / 4),
      new nn.GELU(),
      new nn.Conv2d(maskInChans / 4, maskInChans, halving),
      new nn.LayerNorm2d(maskInChans),
      new nn.GELU(),
      new nn.Conv2d(maskInChans, embedDim, { kernelSize: 1 }),
    );
    this.noMaskEmbed = new nn.Embedding(1, embedDim);
  }

  /** Side of the low-resolution masks that come out, and may go in again: four a cell. */
  get maskSize(): number {
    return 4 * this.grid;
  }

  /** The positions of the picture's embedding: [1, C, grid, grid]. */
  densePositions(): Tensor {
    return this.peLayer.grid(square(this.grid));
  }

  /** @param count P, the number of masks asked for */
  forward(count: number, { pointCoords, pointLabels, boxes, masks }: PromptTensors): PromptEmbeddings {
    const sparse: Tensor[] = [];
    // Without a box the reference ends the points with one that is none; with a box it does not.
    if (pointCoords && pointLabels) sparse.push(this.points(pointCoords, pointLabels, boxes === undefined));
    if (boxes) sparse.push(this.corners(boxes));
    const none = this.noMaskEmbed.weight.narrow(0, 0, 1);
    return {
      sparse:
        sparse.length > 0 ? cat(sparse, { dim: 1 }) : none.reshape([1, 1, -1]).expand([count, 1, -1]).narrow(1, 0, 0),
      dense: masks
        ? this.maskDownscaling.call(masks)
        : none.reshape([1, -1, 1, 1]).expand([count, -1, this.grid, this.grid]),
    };
  }

  /** [P, N, 2], [P, N] → [P, N (+ 1), C] */
  private points(coords: Tensor, labels: Tensor, padded: boolean): Tensor {
    const [p] = coords.dims3("pointCoords");
    const at = padded ? cat([coords, coords.newZeros([p, 1, 2])], { dim: 1 }) : coords;
    const what = (padded ? cat([labels, labels.newZeros([p, 1]).sub(1)], { dim: 1 }) : labels).unsqueeze(-1); // [P, N, 1]
    const position = this.positions(at).maskedFill(what.eq(-1), 0);
    const [background, foreground] = [this.pointEmbeddings[0]!.weight, this.pointEmbeddings[1]!.weight];
    const is = (label: number) => what.eq(label).to({ dtype: position.dtype });
    return position.add(is(-1).mul(this.notAPointEmbed.weight)).add(is(0).mul(background)).add(is(1).mul(foreground));
  }

  /** [P, 4] → [P, 2, C] */
  private corners(boxes: Tensor): Tensor {
    const kinds = cat([this.pointEmbeddings[2]!.weight, this.pointEmbeddings[3]!.weight]); // [2, C]
    return this.positions(boxes.reshape([-1, 2, 2])).add(kinds);
  }

  /** Pixels to the codes of their centres: [..., 2] → [..., C]. */
  private positions(pixels: Tensor): Tensor {
    return this.peLayer.call(pixels.add(0.5).div(this.imageSize));
  }
}

function square(side: number): Size {
  return { height: side, width: side };
}
