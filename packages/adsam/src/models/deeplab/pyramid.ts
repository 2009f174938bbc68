import { cat, nn, type Tensor } from "@adsam/torch";
import { convNorm } from "../resnet.js";
import { ConvNormRelu } from "./conv-norm-relu.js";

/** How far apart the taps of the dilated branches lie, in pixels of a map at an eighth of the picture (Chen et al. 2017, for output stride 8). */
const dilations = [12, 24, 36] as const;

/** Channels of every branch, and of their sum. */
export const pyramidChannels = 256;

/** The map's mean through a 1×1 convolution, norm and ReLU: [B, C, H, W] → [B, 256, 1, 1]. */
class ImagePooling extends nn.Sequential {
  constructor(inChannels: number) {
    const conv = new nn.Conv2d(inChannels, pyramidChannels, { kernelSize: 1, bias: false });
    super(new nn.Identity(), conv, new nn.BatchNorm2d(pyramidChannels), new nn.Identity());
  }

  /**
   * One picture alone has one value a channel here, whose variance is nothing to learn from (torchvision refuses it): the norm then uses its
   * running statistics and leaves them as they are.
   */
  override forward(x: Tensor): Tensor {
    const mean = x.mean([2, 3], { keepdim: true }); // [B, C, 1, 1]
    const [conv, bn] = [this[1] as nn.Conv2d, this[2] as nn.BatchNorm2d];
    return convNorm(mean, conv, bn, { relu: true, still: x.size(0) === 1 });
  }
}

/** 1×1 over all branches, norm, ReLU and dropout. */
class Projection extends ConvNormRelu {
  constructor(branches: number) {
    const conv = new nn.Conv2d(branches * pyramidChannels, pyramidChannels, { kernelSize: 1, bias: false });
    super(conv, new nn.Dropout(0.5));
  }

  override forward(x: Tensor): Tensor {
    return this[3]!.call(super.forward(x));
  }
}

/** Atrous spatial pyramid pooling (Chen et al. 2017, arXiv 1706.05587, §3.3): what several distances see of a map, side by side. */
export class ScalePyramid extends nn.Module {
  readonly convs: nn.ModuleList<nn.Sequential>;
  readonly project: Projection;

  constructor(inChannels: number) {
    super();
    const conv = (options: { kernelSize: number; padding?: number; dilation?: number }) =>
      new ConvNormRelu(new nn.Conv2d(inChannels, pyramidChannels, { ...options, bias: false }));
    this.convs = new nn.ModuleList<nn.Sequential>([
      conv({ kernelSize: 1 }),
      ...dilations.map((dilation) => conv({ kernelSize: 3, padding: dilation, dilation })),
      new ImagePooling(inChannels),
    ]);
    this.project = new Projection(this.convs.length);
  }

  /** [B, C, H, W] → [B, 256, H, W] */
  forward(x: Tensor): Tensor {
    const { height, width } = x.spatialSize("map");
    const branches = [...this.convs].map((branch) => branch.call(x));
    const spread = branches.map((map) => map.expand([-1, -1, height, width])); // the pooled one is the same everywhere
    return this.project.call(cat(spread, { dim: 1 }));
  }
}
