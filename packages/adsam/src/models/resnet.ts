import { addRelu_, maxPool3x3Stride2 } from "@adsam/kernels";
import { nn, type Tensor } from "@adsam/torch";
import { convolution } from "./layers.js";

/** torchvision's, and `nano`: an 18 of half the width, for demonstrations and tests (not pretrained by anyone). */
export type ResNetName = "nano" | "resnet18" | "resnet34" | "resnet50" | "resnet101";

interface Layout {
  readonly bottleneck: boolean;
  readonly layers: readonly [number, number, number, number];
  /** Channels of the stem; the stages have 1, 2, 4 and 8 times as many, bottlenecks four times those. */
  readonly stem: number;
}

const layouts: Record<ResNetName, Layout> = {
  nano: { bottleneck: false, layers: [2, 2, 2, 2], stem: 32 },
  resnet18: { bottleneck: false, layers: [2, 2, 2, 2], stem: 64 },
  resnet34: { bottleneck: false, layers: [3, 4, 6, 3], stem: 64 },
  resnet50: { bottleneck: true, layers: [3, 4, 6, 3], stem: 64 },
  resnet101: { bottleneck: true, layers: [3, 4, 23, 3], stem: 64 },
};

/** The four maps of a ResNet, at strides 4, 8, 16 and 32; dilated, at 4, 8, 8 and 8. */
export interface ResNetFeatures {
  readonly layer1: Tensor;
  readonly layer2: Tensor;
  readonly layer3: Tensor;
  readonly layer4: Tensor;
}

interface BlockOptions {
  readonly inChannels: number;
  readonly width: number;
  readonly stride: number;
  /** Distance of the taps of its 3×3 convolutions, in pixels of its map. */
  readonly dilation: number;
  readonly frozen: boolean;
}

export interface ResNetOptions {
  /** Use the running statistics also in training; scale and shift stay trained. */
  readonly frozenBatchNorm?: boolean;
  /**
   * Layers 3 and 4 keep the size of layer 2, an eighth, and look as far by dilation, as torchvision's
   * `replace_stride_with_dilation: [false, true, true]`.
   */
  readonly dilated?: boolean;
}

/** 3×3 that keeps the map's size but for its stride. */
const conv3x3 = (
  inChannels: number,
  width: number,
  { stride = 1, dilation }: Pick<BlockOptions, "dilation"> & { stride?: number },
) => new nn.Conv2d(inChannels, width, { kernelSize: 3, stride, padding: dilation, dilation, bias: false });

const norm = (channels: number, frozen: boolean) => new nn.BatchNorm2d(channels, { frozen });

/** A convolution and its norm, as one convolution unless the norm's statistics are being learnt; then ReLU, if asked for. @param options.still the statistics stay as they are this time */
export function convNorm(x: Tensor, conv: nn.Conv2d, bn: nn.BatchNorm2d, { relu = false, still = false } = {}): Tensor {
  if (!bn.training || bn.frozen || still) return convolution(x, nn.foldBatchNorm(conv, bn), conv, { relu });
  const y = bn.call(convolution(x, conv, conv));
  return relu ? y.relu_() : y;
}

/** Brings a block's input to the shape of its output; its names are `0` and `1`, as torchvision's. */
class Shortcut extends nn.Sequential {
  private constructor(conv: nn.Conv2d, bn: nn.BatchNorm2d) {
    super(conv, bn);
  }

  /** @returns undefined where the shapes are the same already */
  static for({ inChannels, width, stride, frozen }: BlockOptions, expansion: number): Shortcut | undefined {
    const outChannels = width * expansion;
    if (stride === 1 && inChannels === outChannels) return undefined;
    const conv = new nn.Conv2d(inChannels, outChannels, { kernelSize: 1, stride, bias: false });
    return new Shortcut(conv, norm(outChannels, frozen));
  }

  override forward(x: Tensor): Tensor {
    return convNorm(x, this[0] as nn.Conv2d, this[1] as nn.BatchNorm2d);
  }
}

/** Two 3×3 convolutions and a shortcut (ResNet-18, -34). */
class BasicBlock extends nn.Module {
  static readonly expansion = 1;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly downsample: Shortcut | undefined;

  constructor(options: BlockOptions) {
    super();
    const { inChannels, width, stride, dilation, frozen } = options;
    this.conv1 = conv3x3(inChannels, width, { stride, dilation });
    this.bn1 = norm(width, frozen);
    this.conv2 = conv3x3(width, width, { dilation });
    this.bn2 = norm(width, frozen);
    this.downsample = Shortcut.for(options, BasicBlock.expansion);
  }

  forward(x: Tensor): Tensor {
    const y = convNorm(x, this.conv1, this.bn1, { relu: true });
    return addRelu_(convNorm(y, this.conv2, this.bn2), this.downsample ? this.downsample.call(x) : x);
  }
}

/** 1×1, 3×3 (which strides, as torchvision's), 1×1 and a shortcut (ResNet-50 and deeper). */
class Bottleneck extends nn.Module {
  static readonly expansion = 4;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly conv3: nn.Conv2d;
  readonly bn3: nn.BatchNorm2d;
  readonly downsample: Shortcut | undefined;

  constructor(options: BlockOptions) {
    super();
    const { inChannels, width, stride, dilation, frozen } = options;
    this.conv1 = new nn.Conv2d(inChannels, width, { kernelSize: 1, bias: false });
    this.bn1 = norm(width, frozen);
    this.conv2 = conv3x3(width, width, { stride, dilation });
    this.bn2 = norm(width, frozen);
    this.conv3 = new nn.Conv2d(width, 4 * width, { kernelSize: 1, bias: false });
    this.bn3 = norm(4 * width, frozen);
    this.downsample = Shortcut.for(options, Bottleneck.expansion);
  }

  forward(x: Tensor): Tensor {
    let y = convNorm(x, this.conv1, this.bn1, { relu: true });
    y = convNorm(y, this.conv2, this.bn2, { relu: true });
    return addRelu_(convNorm(y, this.conv3, this.bn3), this.downsample ? this.downsample.call(x) : x);
  }
}

/**
 * ResNet (He et al. 2016) without its classifier, as an encoder that gives its four maps; names and numbers are torchvision's,
 * so its ImageNet checkpoints load.
 */
export class ResNet extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly layer1: nn.Sequential;
  readonly layer2: nn.Sequential;
  readonly layer3: nn.Sequential;
  readonly layer4: nn.Sequential;
  /** Channels of layer1 … layer4. */
  readonly channels: readonly [number, number, number, number];

  constructor(name: ResNetName, { frozenBatchNorm: frozen = true, dilated = false }: ResNetOptions = {}) {
    super();
    const { bottleneck, layers, stem } = layouts[name];
    const Block = bottleneck ? Bottleneck : BasicBlock;
    let inChannels = stem;
    let dilation = 1;
    const stage = (width: number, length: number, stage: { stride: 1 | 2; dilated?: boolean }) => {
      const before = dilation;
      if (stage.dilated) dilation *= stage.stride;
      const blocks = Array.from({ length }, (_, i) => {
        const stride = i === 0 && !stage.dilated ? stage.stride : 1;
        // The map a stage begins with has been seen at the former distance: torchvision's first block keeps it.
        const block = new Block({ inChannels, width, stride, dilation: i === 0 ? before : dilation, frozen });
        inChannels = width * Block.expansion;
        return block;
      });
      return new nn.Sequential(...blocks);
    };
    this.conv1 = new nn.Conv2d(3, stem, { kernelSize: 7, stride: 2, padding: 3, bias: false });
    this.bn1 = norm(stem, frozen);
    this.layer1 = stage(stem, layers[0], { stride: 1 });
    this.layer2 = stage(2 * stem, layers[1], { stride: 2 });
    this.layer3 = stage(4 * stem, layers[2], { stride: 2, dilated });
    this.layer4 = stage(8 * stem, layers[3], { stride: 2, dilated });
    const e = Block.expansion * stem;
    this.channels = [e, 2 * e, 4 * e, 8 * e];
    this.initialise();
  }

  /** He's initialisation for ReLU networks, fan-out, as torchvision's. */
  private initialise(): void {
    for (const [, module] of this.modules())
      if (module instanceof nn.Conv2d) nn.init.kaimingNormal_(module.weight, { mode: "fanOut", nonlinearity: "relu" });
  }

  /** @param image [B, 3, H, W] */
  forward(image: Tensor): ResNetFeatures {
    const x = image.contiguous({ memoryFormat: "channels_last" }); // as all maps behind it: convolutions are quickest so
    const stem = convNorm(x, this.conv1, this.bn1, { relu: true }); // [B, stem, H/2, W/2]
    const layer1 = this.layer1.call(maxPool3x3Stride2(stem)); // [B, channels[0], H/4, W/4]
    const layer2 = this.layer2.call(layer1);
    const layer3 = this.layer3.call(layer2);
    return { layer1, layer2, layer3, layer4: this.layer4.call(layer3) };
  }
}
