import { resizeBilinear } from "@adsam/kernels";
import type { Tensor } from "@adsam/torch";
import { ResNet, type ResNetName } from "../resnet.js";
import { Segmenter, type SegmenterInput, type TrainingLogits } from "../segmenter.js";
import { AuxiliaryHead, DeepLabHead } from "./heads.js";

export interface DeepLabV3Config {
  readonly numClasses: number;
  /** torchvision has resnet50 and resnet101. */
  readonly resnet: ResNetName;
  /** Keep the ResNet's BatchNorm statistics as loaded; the heads always learn theirs. */
  readonly frozenBatchNorm: boolean;
}

const usualConfig: DeepLabV3Config = { numClasses: 19, resnet: "resnet50", frozenBatchNorm: false };

/**
 * DeepLabV3 (Chen et al. 2017, arXiv 1706.05587) at output stride 8, with the auxiliary head; numbers and state-dict names are torchvision's,
 * so its files load, whole (`loadDeepLabWeights`) or to begin with (`loadDeepLabStart`).
 */
export class DeepLabV3 extends Segmenter {
  readonly samEncoder = undefined;
  readonly backbone: ResNet;
  readonly classifier: DeepLabHead;
  readonly auxClassifier: AuxiliaryHead;
  readonly config: DeepLabV3Config;

  constructor(config: Partial<DeepLabV3Config> = {}) {
    super();
    this.config = { ...usualConfig, ...config };
    const { numClasses, resnet, frozenBatchNorm } = this.config;
    this.backbone = new ResNet(resnet, { frozenBatchNorm, dilated: true });
    const [, , layer3, layer4] = this.backbone.channels;
    this.classifier = new DeepLabHead(layer4, numClasses);
    this.auxClassifier = new AuxiliaryHead(layer3, numClasses);
  }

  /** @returns logits [B, numClasses, H, W] */
  forward({ image }: SegmenterInput): Tensor {
    const { layer4 } = this.backbone.call(image); // [B, channels[3], H/8, W/8]
    return enlarged(this.classifier.call(layer4), image);
  }

  override trainingLogits({ image }: SegmenterInput): Required<TrainingLogits> {
    const { layer3, layer4 } = this.backbone.call(image); // both at an eighth
    return {
      logits: enlarged(this.classifier.call(layer4), image),
      auxiliary: enlarged(this.auxClassifier.call(layer3), image),
    };
  }
}

/** A map brought to the picture's size, bilinear between pixel centres. */
function enlarged(map: Tensor, image: Tensor): Tensor {
  return resizeBilinear(map, image.spatialSize("image"), { layout: "row-major" });
}
