import { Problem } from "@adsam/torch/problem";
import type { AdSamConfig } from "../ad-sam.js";
import type { ResNetName } from "../resnet.js";
import type { Shapes } from "./encoder-config.js";
import { resnetTitle } from "./resnet-layout.js";
import { under } from "./under.js";

/** What the shapes of AD-SAM's trained tensors tell about it. */
export interface AdSamSizes
  extends Pick<
    AdSamConfig,
    "numClasses" | "resnet" | "decoder" | "deformable" | "channelAttention" | "fusionDim" | "decoderDims"
  > {
  /** Channels of SAM's embedding as it enters the fusion; 0 where it does not. Whose embedding it is, no shape tells. */
  readonly samChannels: number;
}

const fusion = "fusion_layers.0";

/**
 * Which AD-SAM the tensors are of: the authors' network or one of its ablations, of any width.
 * @param shapes by this project's names, as `PublishedFile.part("ad-sam")` gives them
 * @throws Problem for the authors' networks that are built otherwise, and where the sizes cannot be told
 */
export function adSamSizesOf(shapes: Shapes, what: string): AdSamSizes {
  const stranger = strangers.find(({ sign }) => [...shapes.keys()].some((name) => name.startsWith(sign)));
  if (stranger) throw new Problem({ what, ...stranger.says });
  const sizes = (name: string): readonly number[] => {
    const shape = shapes.get(name)?.shape;
    if (shape?.length === 4 && shape.every((size) => size > 0)) return shape;
    const found = shape === undefined ? `AD-SAM without "${name}"` : `"${name}" of shape [${shape.join(", ")}]`;
    throw new Problem({ what, found, expected: "the weights of a convolution, from which sizes are told" });
  };
  const width = (stage: number) => sizes(`up${stage}.conv.0.conv.weight`)[0]!;

  const [fusionDim, fusionInputs] = sizes(`${fusion}.fusion_conv.conv.weight`); // [fusionDim, SAM's + ResNet's, 3, 3]
  const resnet = shapes.has("resnet_encoder.conv1.weight") ? resnetOf(shapes, what) : "none";
  const samChannels = fusionInputs! - (resnet === "none" ? 0 : fusionDim!);
  if (samChannels < 0)
    throw new Problem({
      what,
      found: `a fusion of ${fusionInputs} channels into ${fusionDim}`,
      expected: `${fusionDim} of ResNet, and those of SAM's embedding`,
    });
  return {
    numClasses: sizes("classifier.3.weight")[0]!,
    samChannels,
    resnet,
    decoder: "deformable-convolution",
    deformable: shapes.has(`${fusion}.fusion_conv.offset_conv.weight`),
    channelAttention: shapes.has(`${fusion}.channel_attention.fc.0.weight`),
    fusionDim: fusionDim!,
    decoderDims: [width(1), width(2), width(3)],
  };
}

/** Networks under AD-SAM's names that are not told by shapes, by how some of their names begin. */
const strangers = [
  {
    sign: "up4.",
    says: {
      found: "a decoder of four stages, as an early version of the authors' code had it",
      expected: "three stages, the last one at a quarter of the picture's size, as in the published code",
    },
  },
  {
    sign: "up1.0.",
    says: {
      found: "the authors' ablation sam_encoder_only, a plain decoder on SAM's embedding without fusion",
      expected: "AD-SAM, or its ablation no_deform or no_attention",
    },
  },
  {
    sign: "up1.attention.",
    says: {
      found: "AD-SAM with deformable attention, whose heads and points no shape tells",
      expected: "the run's own best.pth or last.pth, which carry their recipe",
    },
  },
] as const;

/** Which ResNet, by its blocks and the width of its stem. */
function resnetOf(shapes: Shapes, what: string): ResNetName {
  const own = under(shapes, "resnet_encoder.");
  const stem = own.get("conv1.weight")!.shape[0];
  const title = resnetTitle(own);
  const known: Readonly<Record<string, ResNetName>> = {
    "ResNet-18 64": "resnet18",
    "ResNet-18 32": "nano",
    "ResNet-34 64": "resnet34",
    "ResNet-50 64": "resnet50",
    "ResNet-101 64": "resnet101",
  };
  const name = known[`${title} ${stem}`];
  if (name !== undefined) return name;
  throw new Problem({
    what,
    found: `${title} with a stem of ${stem} channels`,
    expected: "ResNet-18, -34, -50 or -101 at torchvision's widths",
  });
}
