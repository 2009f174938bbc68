import { nn, type Tensor } from "@adsam/torch";
import { convNorm } from "../resnet.js";

/** A convolution without bias, its norm and ReLU; their names are 0, 1 and 2, as torchvision's. */
export class ConvNormRelu extends nn.Sequential {
  constructor(conv: nn.Conv2d, ...behind: readonly nn.Module[]) {
    super(conv, new nn.BatchNorm2d(conv.outChannels), new nn.Identity(), ...behind);
  }

  override forward(x: Tensor): Tensor {
    return convNorm(x, this[0] as nn.Conv2d, this[1] as nn.BatchNorm2d, { relu: true });
  }
}
