import { Problem } from "@adsam/torch/problem";
import { type PointGrid, pointGridsByLayer } from "./point-grid.js";

export const outputModes = ["binary_mask", "uncompressed_rle", "coco_rle"] as const;
/** How masks are returned: [H, W] of zeros and ones (of a large picture, much memory), or one of COCO's run lengths. */
export type OutputMode = (typeof outputModes)[number];

/** The reference's settings and defaults, which were chosen for ViT-H. */
export interface AutomaticMaskOptions<Mode extends OutputMode = OutputMode> {
  /** Side of the grid of points, each of which is a prompt. 32, unless `pointGrids` are given. */
  readonly pointsPerSide?: number | undefined;
  /** Prompts that go through the decoder together: more take more memory. 64. */
  readonly pointsPerBatch?: number;
  /** Masks that the network itself thinks fit no better than this are dropped; 0 and below drop none. 0.88. */
  readonly predIouThresh?: number;
  /** Masks that depend on the logits' threshold are dropped, see `stabilityScore`; 0 and below drop none. 0.95. */
  readonly stabilityScoreThresh?: number;
  /** How far the threshold is moved for that, in logits. 1. */
  readonly stabilityScoreOffset?: number;
  /** Of two masks whose boxes overlap by more (intersection over union), the one predicted better stays. 0.7. */
  readonly boxNmsThresh?: number;
  /** Layers of crops that are searched beside the whole picture; layer i has 2ⁱ · 2ⁱ. 0. */
  readonly cropNLayers?: number;
  /** As `boxNmsThresh`, between crops: the mask of the smaller crop stays. 0.7. */
  readonly cropNmsThresh?: number;
  /** Overlap of the crops of the first layer, in shares of the picture's shorter side; halved from layer to layer. 512/1500. */
  readonly cropOverlapRatio?: number;
  /** The grid's side is divided by this from layer to layer. 1. */
  readonly cropNPointsDownscaleFactor?: number;
  /** One's own points, a grid for the picture and one for each layer of crops, in place of `pointsPerSide`. */
  readonly pointGrids?: readonly PointGrid[] | undefined;
  /** Holes and islands of fewer pixels are taken out of the masks; 0 leaves them. 0. */
  readonly minMaskRegionArea?: number;
  readonly outputMode?: Mode;
}

/** Every setting, and the grid of each layer in place of its side. */
export interface AutomaticMaskSettings extends Required<Omit<AutomaticMaskOptions, "pointsPerSide" | "pointGrids">> {
  readonly pointGrids: readonly PointGrid[];
}

const defaults = {
  pointsPerBatch: 64,
  predIouThresh: 0.88,
  stabilityScoreThresh: 0.95,
  stabilityScoreOffset: 1,
  boxNmsThresh: 0.7,
  cropNLayers: 0,
  cropNmsThresh: 0.7,
  cropOverlapRatio: 512 / 1500,
  cropNPointsDownscaleFactor: 1,
  minMaskRegionArea: 0,
  outputMode: "binary_mask",
} as const;

const isCount = (least: number) => (value: number) => Number.isSafeInteger(value) && value >= least;
const isShare = (value: number) => value >= 0 && value <= 1;
const isNumber = (value: number) => typeof value === "number" && !Number.isNaN(value);
/** Beyond it the number of crops has no meaning: a million in the last layer. */
const mostLayers = 10;

const checks: Readonly<Record<string, readonly [fits: (value: number) => boolean, expected: string]>> = {
  pointsPerSide: [isCount(1), "a whole number from 1"],
  pointsPerBatch: [isCount(1), "a whole number from 1"],
  predIouThresh: [isNumber, "a number; 0 and below drop nothing"],
  stabilityScoreThresh: [isNumber, "a number; 0 and below drop nothing"],
  stabilityScoreOffset: [(value) => Number.isFinite(value) && value >= 0, "a number from 0"],
  boxNmsThresh: [isShare, "0…1"],
  cropNLayers: [(value) => isCount(0)(value) && value <= mostLayers, `a whole number, 0…${mostLayers}`],
  cropNmsThresh: [isShare, "0…1"],
  cropOverlapRatio: [isShare, "0…1"],
  cropNPointsDownscaleFactor: [isCount(1), "a whole number from 1"],
  minMaskRegionArea: [(value) => Number.isFinite(value) && value >= 0, "a number of pixels from 0"],
};

/** @throws Problem for a setting that cannot be, naming it */
export function automaticMaskSettings(options: AutomaticMaskOptions): AutomaticMaskSettings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const [name, value] of Object.entries(given)) {
    const check = checks[name];
    if (check && !check[0](value as number)) throw refusal(name, String(value), check[1]);
    if (!check && name !== "pointGrids" && name !== "outputMode")
      throw refusal(
        `option "${name}"`,
        String(value),
        `one of ${[...Object.keys(checks), "pointGrids", "outputMode"].join(", ")}`,
      );
  }
  const { pointsPerSide: _, ...settings } = { ...defaults, ...given } as Required<AutomaticMaskOptions>;
  if (!outputModes.includes(settings.outputMode))
    throw refusal("outputMode", `"${settings.outputMode}"`, `one of ${outputModes.join(", ")}`);
  return { ...settings, pointGrids: gridsOf(options, settings) };
}

function gridsOf(
  { pointsPerSide, pointGrids }: AutomaticMaskOptions,
  { cropNLayers, cropNPointsDownscaleFactor }: Omit<AutomaticMaskSettings, "pointGrids">,
): readonly PointGrid[] {
  if (!pointGrids) return pointGridsByLayer(pointsPerSide ?? 32, cropNLayers, cropNPointsDownscaleFactor);
  if (pointsPerSide !== undefined)
    throw refusal("points", "both pointsPerSide and pointGrids", "one of them", "Leave the other out.");
  if (pointGrids.length !== cropNLayers + 1)
    throw refusal(
      "pointGrids",
      `${pointGrids.length} grids for cropNLayers ${cropNLayers}`,
      `${cropNLayers + 1}: one for the picture and one for each layer of crops`,
    );
  for (const [layer, grid] of pointGrids.entries()) {
    if (grid.length === 0) throw refusal(`pointGrids, layer ${layer}`, "no point", "at least one");
    const stray = grid.find((point) => !(point.length === 2 && point.every((side) => side >= 0 && side < 1)));
    if (stray) throw refusal(`pointGrids, layer ${layer}`, `[${stray.join(", ")}]`, "[x, y], each from 0 to below 1");
  }
  return pointGrids;
}

const refusal = (name: string, found: string, expected: string, todo?: string): Problem =>
  new Problem({ what: `automatic masks, ${name}`, found, expected, ...(todo !== undefined && { todo }) });
