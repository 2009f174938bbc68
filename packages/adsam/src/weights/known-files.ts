/** Who offers a file of published weights, and how one knows it again. */
export interface KnownFile {
  /** What the command line and the recipe call it; an image encoder has the encoder's own name. */
  readonly name: string;
  /** Its name in the cache folder: the published one, where that says which file it is. */
  readonly fileName: string;
  readonly address: string;
  readonly size: PublishedSize;
  /** Lower-case hexadecimal; undefined where no two public records agree on one. */
  readonly sha256: PublishedHash | undefined;
  readonly licence: string;
  readonly purpose: string;
  /** The page on which the owner offers it. */
  readonly source: string;
}

export interface PublishedSize {
  readonly bytes: number;
  /** false: rounded, from the owner's page or from the count of parameters. Good for a forecast, not for a check. */
  readonly isExact: boolean;
}

export interface PublishedHash {
  readonly hex: string;
  /** true: only the first digits are known, as torchvision's file names carry them. */
  readonly isPrefix: boolean;
}

const samPage = "https://github.com/facebookresearch/segment-anything#model-checkpoints";
const meta = "https://dl.fbaipublicfiles.com/segment_anything";
const torchvision = "https://download.pytorch.org/models";
const torchvisionPage = "https://docs.pytorch.org/vision/stable/models";

/**
 * Every file that `adsam weights` knows. A size or hash stands here only where at least two public records agree: manifests, lock files and
 * model cards of unrelated projects, and for torchvision the first digits in the file's own name. None of it comes from a download of ours.
 */
export const knownFiles: readonly KnownFile[] = [
  {
    name: "sam-vit-b",
    fileName: "sam_vit_b_01ec64.pth",
    address: `${meta}/sam_vit_b_01ec64.pth`,
    size: exactly(375_042_383),
    sha256: full("ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912"),
    licence: "Apache-2.0",
    purpose: "SAM ViT-B",
    source: samPage,
  },
  {
    name: "sam-vit-l",
    fileName: "sam_vit_l_0b3195.pth",
    address: `${meta}/sam_vit_l_0b3195.pth`,
    size: exactly(1_249_524_607),
    sha256: full("3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622"),
    licence: "Apache-2.0",
    purpose: "SAM ViT-L",
    source: samPage,
  },
  {
    name: "sam-vit-h",
    fileName: "sam_vit_h_4b8939.pth",
    address: `${meta}/sam_vit_h_4b8939.pth`,
    size: exactly(2_564_550_879),
    sha256: full("a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e"),
    licence: "Apache-2.0",
    purpose: "SAM ViT-H, the paper's",
    source: samPage,
  },
  {
    name: "mobile-sam",
    fileName: "mobile_sam.pt",
    address: "https://raw.githubusercontent.com/ChaoningZhang/MobileSAM/master/weights/mobile_sam.pt",
    size: exactly(40_728_226),
    sha256: full("6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f"),
    licence: "Apache-2.0",
    purpose: "MobileSAM, for laptops",
    source: "https://github.com/ChaoningZhang/MobileSAM",
  },
  {
    ...huggingFace("base"),
    name: "sam-vit-b-hf",
    size: exactly(374_979_480),
    sha256: full("892c410e496344e527255ccdcb2cb7244a609acb5389c7c4fdba1288f861c579"),
    purpose: "SAM ViT-B, safetensors",
  },
  {
    ...huggingFace("large"),
    name: "sam-vit-l-hf",
    size: about(1_249_500_000), // 312 million parameters, 4 bytes each, and a header
    sha256: undefined,
    purpose: "SAM ViT-L, safetensors",
  },
  {
    ...huggingFace("huge"),
    name: "sam-vit-h-hf",
    size: about(2_564_400_000), // 641 million parameters, 4 bytes each, and a header
    sha256: undefined,
    purpose: "SAM ViT-H, safetensors",
  },
  {
    ...resnet("resnet18-f37072fd.pth", "resnet18"),
    name: "resnet18",
    size: exactly(46_830_571),
    sha256: full("f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec"),
    purpose: "ResNet-18, ImageNet V1",
  },
  {
    ...resnet("resnet34-b627a593.pth", "resnet34"),
    name: "resnet34",
    size: exactly(87_319_819),
    sha256: full("b627a593bcbe140c234610266fe4f8ae95ea42fc881d091c9b6052e6b1d0590f"),
    purpose: "ResNet-34, ImageNet V1",
  },
  {
    ...resnet("resnet50-0676ba61.pth", "resnet50"),
    name: "resnet50",
    size: exactly(102_530_333),
    sha256: full("0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a"),
    purpose: "ResNet-50, ImageNet V1",
  },
  {
    ...resnet("resnet50-11ad3fa6.pth", "resnet50"),
    name: "resnet50-v2",
    size: exactly(102_540_417),
    sha256: full("11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca"),
    purpose: "ResNet-50, ImageNet V2",
  },
  {
    ...resnet("resnet101-63fe2227.pth", "resnet101"),
    name: "resnet101",
    size: about(178_793_700), // torchvision's page: 170.5 MiB
    sha256: full("63fe2227b86e8f1f2063f43a75c84d195911b6a0eace650907dd3dc62dd49a0a"),
    purpose: "ResNet-101, ImageNet V1",
  },
  {
    ...resnet("resnet101-cd907fc2.pth", "resnet101"),
    name: "resnet101-v2",
    size: about(178_800_000), // torchvision's page: 170.5 MiB
    sha256: full("cd907fc2a0de2292b2ba2b27d2216bc672d84632d1cf20058d01c0c03b5e020e"),
    purpose: "ResNet-101, ImageNet V2",
  },
  {
    ...deeplab("deeplabv3_resnet50_coco-cd0a2569.pth", "deeplabv3_resnet50"),
    name: "deeplabv3-resnet50",
    size: exactly(168_312_152),
    sha256: full("cd0a25694c4a0f7106b38f4938bf90a874f2f241cc410b8f63c7024399538f06"),
    purpose: "DeepLabV3, ResNet-50",
  },
  {
    ...deeplab("deeplabv3_resnet101_coco-586e9e4e.pth", "deeplabv3_resnet101"),
    name: "deeplabv3-resnet101",
    size: exactly(244_545_539),
    sha256: full("586e9e4e203fcbf17e1ad45533d8d33ab133fc762bf03101c5dd743995c08c0d"), // one project's record, and the name's digits
    purpose: "DeepLabV3, ResNet-101",
  },
];

/** Files that hold a ResNet: torchvision's of it, and of the DeepLabV3s around one. */
export const resnetFileNames: readonly string[] = knownFiles
  .map(({ name }) => name)
  .filter((name) => /^(resnet|deeplabv3)/.test(name));

/** A known file by its name here or by its file name; undefined for any other. */
export function publishedFile(name: string): KnownFile | undefined {
  return knownFiles.find((file) => file.name === name || file.fileName === name);
}

function exactly(bytes: number): PublishedSize {
  return { bytes, isExact: true };
}

function about(bytes: number): PublishedSize {
  return { bytes, isExact: false };
}

function full(hex: string): PublishedHash {
  return { hex, isPrefix: false };
}

/** Hugging Face calls every model's file `model.safetensors`; in the cache it carries the model's name. */
function huggingFace(size: "base" | "large" | "huge") {
  const page = `https://huggingface.co/facebook/sam-vit-${size}`;
  const address = `${page}/resolve/main/model.safetensors`;
  return { fileName: `facebook-sam-vit-${size}.safetensors`, address, licence: "Apache-2.0", source: page };
}

/** torchvision's code is under BSD-3-Clause; it leaves what ImageNet's terms mean for the weights to whoever uses them. */
function resnet(fileName: string, network: string) {
  const source = `${torchvisionPage}/generated/torchvision.models.${network}.html`;
  return { fileName, address: `${torchvision}/${fileName}`, licence: "BSD-3-Clause", source };
}

function deeplab(fileName: string, network: string) {
  const source = `${torchvisionPage}/generated/torchvision.models.segmentation.${network}.html`;
  return { fileName, address: `${torchvision}/${fileName}`, licence: "BSD-3-Clause", source };
}
