import { resizeBilinear } from "@adsam/kernels";
import { nn, type Size, type Tensor } from "@adsam/torch";
import { type NormName, normGeluLayers } from "../layers.js";

export interface StageConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Channels of the skip connection from ResNet; 0 where there is none. */
  readonly skipChannels: number;
  /** Whether the running map is doubled first. */
  readonly upsample: boolean;
  readonly deformable: boolean;
  /** Heads of the attention and its points a head and level. */
  readonly heads: number;
  readonly points: number;
  readonly norm: NormName;
  /** Channels within the feed-forward of a stage with attention, times the stage's own. */
  readonly feedForwardFactor: number;
}

/** A step of the decoder: the running map and a map of ResNet become a finer map. */
export abstract class DecoderStage extends nn.Module {
  /** @param x [B, inChannels, h, w]; @param skip [B, skipChannels, …]; @returns [B, outChannels, h or 2h, w or 2w] */
  abstract override forward(x: Tensor, skip: Tensor | undefined): Tensor;
}

/** 1×1 convolution, norm, GELU: how a skip connection enters. */
export class SkipProjection extends nn.Sequential {
  constructor(inChannels: number, outChannels: number, norm: NormName) {
    super(new nn.Conv2d(inChannels, outChannels, { kernelSize: 1 }), ...normGeluLayers(norm, outChannels));
  }

  /**
   * @param skip [B, inChannels, h, w]
   * @param size of the result, skip's own by default: the projection of `resizeBilinear(skip, size)`
   * @returns [B, outChannels, height, width]
   */
  override forward(skip: Tensor, size: Size = skip.spatialSize("skip")): Tensor {
    const [project, normGelu] = this;
    return normGelu!.call(projectedTo(size, skip, project as nn.Conv2d));
  }
}

/**
 * `conv(resizeBilinear(x, size))` for a 1×1 convolution. Bilinear weights add up to one, so both orders are the same; the convolution
 * comes first where that is on fewer pixels.
 */
export function projectedTo(size: Size, x: Tensor, conv: nn.Conv2d): Tensor {
  const own = x.spatialSize("x");
  if (own.height === size.height && own.width === size.width) return conv.call(x);
  const grows = own.height * own.width < size.height * size.width;
  return grows ? resizeBilinear(conv.call(x), size) : conv.call(resizeBilinear(x, size));
}

export function doubled(x: Tensor): Size {
  const { height, width } = x.spatialSize("map");
  return { height: 2 * height, width: 2 * width };
}
