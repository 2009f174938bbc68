import { nn, type Tensor } from "@adsam/torch";
import { convNorm } from "../resnet.js";
import { ConvNormRelu } from "./conv-norm-relu.js";
import { pyramidChannels, ScalePyramid } from "./pyramid.js";

const conv3x3 = (inChannels: number, outChannels: number) =>
  new nn.Conv2d(inChannels, outChannels, { kernelSize: 3, padding: 1, bias: false });

/** The pyramid, a 3×3 convolution and the classes; names 0 to 4, as torchvision's: [B, C, h, w] → [B, numClasses, h, w]. */
export class DeepLabHead extends nn.Sequential {
  constructor(inChannels: number, numClasses: number) {
    super(
      new ScalePyramid(inChannels),
      ...new ConvNormRelu(conv3x3(pyramidChannels, pyramidChannels)),
      new nn.Conv2d(pyramidChannels, numClasses, { kernelSize: 1 }),
    );
  }

  override forward(x: Tensor): Tensor {
    const seen = this[0]!.call(x) as Tensor;
    const map = convNorm(seen, this[1] as nn.Conv2d, this[2] as nn.BatchNorm2d, { relu: true });
    return this[4]!.call(map);
  }
}

/** A small fully convolutional head, which the deeper layers learn from more directly than from the network's end. Names as above. */
export class AuxiliaryHead extends nn.Sequential {
  constructor(inChannels: number, numClasses: number) {
    const hidden = inChannels / 4;
    super(
      ...new ConvNormRelu(conv3x3(inChannels, hidden), new nn.Dropout(0.1)),
      new nn.Conv2d(hidden, numClasses, { kernelSize: 1 }),
    );
  }

  override forward(x: Tensor): Tensor {
    const map = convNorm(x, this[0] as nn.Conv2d, this[1] as nn.BatchNorm2d, { relu: true });
    return this[4]!.call(this[3]!.call(map));
  }
}
