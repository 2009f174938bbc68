import { nn, type Tensor } from "@adsam/torch";
import { convNorm, ResNet, type ResNetName } from "../resnet.js";

/** torchvision's ResNet whole, with the classifier that the reference carries along. */
class WholeResNet extends ResNet {
  readonly fc: nn.Linear;

  constructor(name: ResNetName, options: { readonly frozenBatchNorm: boolean }) {
    super(name, options);
    this.fc = new nn.Linear(this.channels[3], 1000);
  }
}

/**
 * G-SAM's convolutional stem (Kato et al. 2024, §3.2): the first three stages of a ResNet without the max pooling before them, so that they
 * end at an eighth of the picture, and a 1×1 convolution to the width of the tokens. The fourth stage and the classifier are in the state
 * dict, and among what is trained, but nothing passes them.
 */
export class CnnEmbed extends nn.Module {
  readonly backbone: WholeResNet;
  /** The reference's spelling. */
  readonly conv_f: nn.Conv2d;

  constructor(resnet: ResNetName, embedDim: number, { frozenBatchNorm }: { readonly frozenBatchNorm: boolean }) {
    super();
    this.backbone = new WholeResNet(resnet, { frozenBatchNorm });
    this.conv_f = new nn.Conv2d(this.backbone.channels[2], embedDim, { kernelSize: 1, bias: false });
  }

  /** @param image [B, 3, H, W] → [B, C, ⌈H/8⌉, ⌈W/8⌉] */
  forward(image: Tensor): Tensor {
    const { conv1, bn1, layer1, layer2, layer3 } = this.backbone;
    const x = image.contiguous({ memoryFormat: "channels_last" });
    let map = convNorm(x, conv1, bn1, { relu: true }); // [B, stem, H/2, W/2]
    for (const layer of [layer1, layer2, layer3]) {
      const next = layer.call(map); // strides 2, 4, 8
      map.dispose(); // a graph keeps what it needs
      map = next;
    }
    return this.conv_f.call(map);
  }
}
