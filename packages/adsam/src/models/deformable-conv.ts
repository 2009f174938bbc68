import { deformConv2d } from "@adsam/kernels";
import { cat, nn, type Tensor } from "@adsam/torch";
import { Conv2d, convolution } from "./layers.js";

/**
 * Modulated deformable 3×3 convolution (DCNv2, Zhu et al. 2019): offsets and modulation are convolutions of the input, zero at
 * the start, so that training begins from a plain convolution at half weight. Names are the authors'.
 */
export class DeformableConv extends nn.Module {
  readonly conv: nn.Conv2d;
  readonly offsetConv: nn.Conv2d;
  readonly maskConv: nn.Conv2d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = new nn.Conv2d(inChannels, outChannels, { kernelSize: 3, padding: 1 });
    this.offsetConv = new nn.Conv2d(inChannels, 18, { kernelSize: 3, padding: 1 });
    this.maskConv = new nn.Conv2d(inChannels, 9, { kernelSize: 3, padding: 1 });
    for (const layer of [this.offsetConv, this.maskConv]) {
      nn.init.zeros_(layer.weight);
      nn.init.zeros_(layer.bias!);
    }
  }

  /** [B, inChannels, H, W] → [B, outChannels, H, W] */
  forward(x: Tensor): Tensor {
    const [offset, mask] = this.placesAndModulation(x);
    return deformConv2d(x, this.conv.weight, offset, { mask, bias: this.conv.bias, padding: 1 });
  }

  /** Both convolutions as one of 27 channels: x is read once, and 27 channels cost what 18 do. */
  private placesAndModulation(x: Tensor): [offset: Tensor, mask: Tensor] {
    const { offsetConv, maskConv } = this;
    const weight = cat([offsetConv.weight, maskConv.weight]); // [27, inChannels, 3, 3]
    const both = convolution(x, { weight, bias: cat([offsetConv.bias!, maskConv.bias!]) }, offsetConv);
    // [B, 18, H, W], (dy, dx) a tap, in pixels; [B, 9, H, W], 0 … 1
    return [both.narrow(1, 0, 18), both.narrow(1, 18, 9).sigmoid()];
  }
}

/** The same place without deformation: an ablation of the paper. */
class PlainConv extends nn.Module {
  readonly conv: nn.Conv2d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = new Conv2d(inChannels, outChannels, { kernelSize: 3, padding: 1 });
  }

  forward(x: Tensor): Tensor {
    return this.conv.call(x);
  }
}

/** A 3×3 convolution that deforms, or one that does not. */
export function conv3x3(inChannels: number, outChannels: number, deformable: boolean): DeformableConv | PlainConv {
  return deformable ? new DeformableConv(inChannels, outChannels) : new PlainConv(inChannels, outChannels);
}
