/** SAM without prompts: masks of everything in a picture, and COCO's run lengths. */
export type { BoxXywh } from "./boxes.js";
export { type AutomaticMask, SamAutomaticMaskGenerator, type Segmentation } from "./generator.js";
export { type AutomaticMaskOptions, type OutputMode, outputModes } from "./options.js";
export type { PointGrid } from "./point-grid.js";
export { decodeRle, encodeMask, type Rle, rleArea, rleBox } from "./rle.js";
export { type CompressedRle, compressRle, expandRle } from "./rle-string.js";
