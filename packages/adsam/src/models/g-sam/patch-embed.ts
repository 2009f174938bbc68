import { resizeBilinear } from "@adsam/kernels";
import { nn, type Tensor } from "@adsam/torch";
import { patchStride } from "./config.js";

/**
 * SAM's 16×16 patches, half overlapping: the picture is enlarged by 8 pixels along each axis, so that patches 8 apart give one token for
 * every 8 pixels of it. The weights are SAM's own.
 */
export class OverlappingPatches extends nn.Module {
  readonly proj: nn.Conv2d;

  constructor(embedDim: number) {
    super();
    this.proj = new nn.Conv2d(3, embedDim, { kernelSize: 2 * patchStride, stride: patchStride });
  }

  /** @param image [B, 3, H, W] → [B, ⌊H/8⌋, ⌊W/8⌋, C] */
  forward(image: Tensor): Tensor {
    const { height, width } = image.spatialSize("image");
    const enlarged = resizeBilinear(image, { height: height + patchStride, width: width + patchStride });
    return this.proj.call(enlarged).permute([0, 2, 3, 1]).contiguous(); // [B, C, h, w] → [B, h, w, C]
  }
}
