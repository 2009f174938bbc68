/**
 * What others have printed, to stand beside what was measured here and never among it. Shares are 0…1.
 * Sources: AD-SAM, arXiv 2510.27047; its authors' released logs, github.com/HettyPatel/AD-SAM; Generalized SAM, arXiv 2408.12406.
 */

export interface PublishedFigure {
  readonly source: "AD-SAM, arXiv 2510.27047" | "AD-SAM's authors, released logs" | "Generalized SAM, arXiv 2408.12406";
  readonly title: string;
  /** Systems of a study that it is of. */
  readonly systems: readonly string[];
  /** Data sets by name; `null` where the source does not say. */
  readonly train: string | null;
  readonly test: string | null;
  /** Of `metrics.ts`, or the validation mIoU of an epoch. */
  readonly metric: "mIoU" | "retention" | { readonly epoch: number };
  readonly value: number;
  /** Trained on so many. */
  readonly pictures?: number;
}

const paper = { source: "AD-SAM, arXiv 2510.27047" } as const;
const adSam = { title: "AD-SAM", systems: ["ad-sam", "ad-sam-convolution"] } as const;
/** Of an older form of their decoder; validated at the network's size, as the study `authors` does it. */
const logs = {
  source: "AD-SAM's authors, released logs",
  title: "AD-SAM, the authors' decoder",
  systems: ["ad-sam-convolution"],
} as const;
const gsam = { source: "Generalized SAM, arXiv 2408.12406" } as const;
const onCityscapes = { train: "Cityscapes", test: "Cityscapes" } as const;
const onCamVid = { train: "CamVid", test: "CamVid" } as const;
const toBdd = { train: "Cityscapes", test: "BDD100K", metric: "retention" } as const;

const gsamTable: readonly [title: string, systems: readonly string[], camvid: number, cityscapes: number][] = [
  ["SAM", ["sam", "sam-baseline"], 0.5827, 0.5715],
  ["SAM with LoRA", ["g-sam-lora"], 0.652, 0.5909],
  ["SAM with ConvLoRA", ["g-sam-conv-lora"], 0.6696, 0.6243],
  ["SAM with AdaptFormer", ["g-sam-adaptformer"], 0.748, 0.7549],
  ["G-SAM", ["g-sam"], 0.6721, 0.741],
];

export const publishedFigures: readonly PublishedFigure[] = [
  { ...paper, ...adSam, ...onCityscapes, metric: "mIoU", value: 0.681 },
  { ...paper, ...adSam, train: "BDD100K", test: "BDD100K", metric: "mIoU", value: 0.595 },
  { ...paper, ...adSam, ...toBdd, value: 0.87 },
  { ...paper, title: "SAM", systems: ["sam", "sam-baseline"], ...toBdd, value: 0.76 },
  { ...paper, ...adSam, train: null, test: null, metric: "mIoU", value: 0.607, pictures: 1000 },
  ...(
    [
      [1000, 1, 0.2301],
      [1000, 6, 0.512],
      [1000, 10, 0.5613],
      [1000, 20, 0.6178],
      [1000, 30, 0.6465],
      [500, 48, 0.5891], // their best, as the next
      [100, 51, 0.4448],
    ] as const
  ).map(([pictures, epoch, value]) => ({ ...logs, ...onCityscapes, metric: { epoch }, value, pictures })),
  ...gsamTable.flatMap(([title, systems, camvid, cityscapes]) => [
    { ...gsam, title, systems, ...onCamVid, metric: "mIoU" as const, value: camvid },
    { ...gsam, title, systems, ...onCityscapes, metric: "mIoU" as const, value: cityscapes },
  ]),
];

/** What the paper says that is no single figure. */
export const publishedClaims: readonly string[] = [
  "mIoU up to 22.9 points above SAM, G-SAM and DeepLabV3 on Cityscapes, and up to 19.2 on BDD100K",
  "converges in 30 to 40 epochs, at twice the baselines' learning speed",
];

/** Why the two columns are not one measurement. */
export const publishedConditions =
  "The published systems start from SAM's and ImageNet's pretrained weights and train on GPUs for up to 100 epochs at 1024 × 1024; what was " +
  "measured here had the budgets, sizes and weights that this report states. A difference between the columns is not an error of either.";
