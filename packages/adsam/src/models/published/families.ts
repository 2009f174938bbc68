import { huggingFaceNames } from "./hugging-face-names.js";
import type { Renaming } from "./rename.js";

/** Whose names a checkpoint speaks. */
export type Family = "sam" | "mobile-sam" | "hugging-face-sam" | "ad-sam" | "around-sam" | "deeplabv3" | "resnet";

/** A network that may be had out of a file: as its whole, or as a part of it. */
export type Part = "sam" | "encoder" | "resnet" | "ad-sam" | "deeplabv3";

export interface FamilyRule {
  readonly family: Family;
  /** How messages name it. */
  readonly title: string;
  /** Names that only a file of this family has together. One that ends in a point begins several. */
  readonly signature: readonly string[];
  /** Other names for the same tensors. A name that no line matches keeps its own. */
  readonly names?: readonly Renaming[];
  /** Where its networks begin, under this project's names. */
  readonly parts: Partial<Record<Part, string>>;
}

/**
 * The authors replace deformable layers by bare convolutions in their ablation `no_deform`; here the convolution is still called `conv`
 * within its layer.
 */
const authorsPlainNames: readonly Renaming[] = [
  ["up#.conv.0.*", "up#.conv.0.conv.*"],
  ["up#.conv.3.*", "up#.conv.3.conv.*"],
  ["fusion_layers.0.fusion_conv.*", "fusion_layers.0.fusion_conv.conv.*"],
];

/** The first that fits is taken. */
export const families: readonly FamilyRule[] = [
  {
    family: "sam",
    title: "SAM-HQ, whose mask decoder is not SAM's",
    signature: ["mask_decoder.hf_token.weight", "image_encoder.patch_embed.proj.weight"],
    parts: { encoder: "image_encoder." },
  },
  {
    family: "hugging-face-sam",
    title: "Hugging Face's SAM-HQ, whose mask decoder is not SAM's",
    signature: ["mask_decoder.hq_token.weight", "vision_encoder.patch_embed.projection.weight"],
    names: huggingFaceNames,
    parts: { encoder: "image_encoder." },
  },
  {
    family: "hugging-face-sam",
    title: "Hugging Face's SAM",
    signature: ["vision_encoder.patch_embed.projection.weight", "vision_encoder.neck.conv1.weight"],
    names: huggingFaceNames,
    parts: { sam: "", encoder: "image_encoder." },
  },
  {
    family: "mobile-sam",
    title: "MobileSAM",
    signature: ["image_encoder.patch_embed.seq.0.c.weight", "image_encoder.neck.0.weight"],
    parts: { sam: "", encoder: "image_encoder." },
  },
  {
    family: "mobile-sam",
    title: "MobileSAM's image encoder",
    signature: ["patch_embed.seq.0.c.weight", "neck.0.weight"],
    parts: { encoder: "" },
  },
  {
    family: "sam",
    title: "Segment Anything",
    signature: ["image_encoder.patch_embed.proj.weight", "image_encoder.neck.0.weight"],
    parts: { sam: "", encoder: "image_encoder." },
  },
  {
    family: "sam",
    title: "SAM's image encoder",
    signature: ["patch_embed.proj.weight", "neck.0.weight", "blocks.0.attn.qkv.weight"],
    parts: { encoder: "" },
  },
  {
    family: "ad-sam",
    title: "AD-SAM without deformable layers, as its authors have it",
    signature: ["up1.conv.0.weight", "fusion_layers.0.fusion_conv.weight", "classifier.0.weight"],
    names: authorsPlainNames,
    parts: { "ad-sam": "", resnet: "resnet_encoder.", encoder: "sam_encoder." },
  },
  {
    family: "ad-sam",
    title: "AD-SAM",
    signature: ["up1.", "up3.", "classifier.0.weight"],
    parts: { "ad-sam": "", resnet: "resnet_encoder.", encoder: "sam_encoder." },
  },
  {
    family: "around-sam",
    title: "a network around SAM's image encoder",
    signature: ["sam_encoder.patch_embed.", "sam_encoder.neck.0.weight"],
    parts: { encoder: "sam_encoder." },
  },
  {
    family: "deeplabv3",
    title: "torchvision's DeepLabV3",
    signature: ["backbone.conv1.weight", "backbone.layer1.0.conv1.weight", "classifier.0.convs.0.0.weight"],
    parts: { deeplabv3: "", resnet: "backbone." },
  },
  {
    family: "resnet",
    title: "torchvision's ResNet",
    signature: ["conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer4.0.conv1.weight"],
    parts: { resnet: "" },
  },
];

/** Files that are often taken for one of the above, by what gives them away. */
export const strangers: readonly { readonly signature: readonly string[]; readonly title: string }[] = [
  { signature: ["image_encoder.trunk."], title: "SAM 2, which is another network" },
  { signature: ["vision_encoder.backbone."], title: "SAM 2 (Hugging Face's), which is another network" },
  {
    signature: ["patch_embed.seq.0.c.weight", "head.weight"],
    title: "TinyViT trained on ImageNet, without SAM's neck",
  },
];

/**
 * Tensors of a published file that its network here has no use for; everything else unexpected is refused. Names as within the part. Whoever
 * loads a part of a file (SAM's encoder, DeepLabV3's ResNet) leaves the other parts where they are, too.
 */
export const passedOver: Readonly<Record<Part, readonly { readonly name: RegExp; readonly why: string }[]>> = {
  sam: [
    { name: /^pixel_(mean|std)$/, why: "the picture's normalisation, done before the network" },
    {
      name: /^image_encoder\.(norm_)?head\./,
      why: "TinyViT's classifier of ImageNet, which the embedding does not pass",
    },
    { name: /^image_encoder\..*\.attention_bias_idxs$/, why: "computed from the window's size" },
  ],
  encoder: [
    { name: /^(norm_)?head\./, why: "TinyViT's classifier of ImageNet, which the embedding does not pass" },
    { name: /\.attention_bias_idxs$/, why: "computed from the window's size" },
  ],
  resnet: [{ name: /^fc\./, why: "the classifier of ImageNet" }],
  "ad-sam": [
    { name: /^_(imgnet|sam)_(mean|std)$/, why: "the authors' normalisation of the picture, done before the network" },
  ],
  deeplabv3: [],
};
