/** Scored pictures kept to be looked at: each with its label and its prediction, in the classes' colours, small enough to keep many. */
import path from "node:path";
import sharp from "sharp";
import type { Dataset } from "../data/dataset.js";
import { readBytes, writeWhole } from "../data/files.js";
import type { ClassTable } from "../data/labels.js";
import type { LabelMap } from "../data/picture.js";
import { writePalette } from "../data/write-png.js";
import type { ScoredPicture } from "./evaluate.js";

/** Files are relative to the folder that the pictures are kept in. */
export interface KeptPicture {
  readonly id: string;
  /** Of this picture alone, in [0, 1]; null where it has no labelled pixel. */
  readonly mIoU: number | null;
  /** JPEG. */
  readonly image: string;
  /** Palette PNGs whose indices are train ids; black is ignored. */
  readonly label: string;
  readonly prediction: string;
}

/** Pixels: what is wider is made smaller. */
const widest = 1024;

export class PictureKeeper {
  readonly kept: KeptPicture[] = [];

  constructor(
    private readonly folder: string,
    private readonly dataset: Dataset,
    /** The classes scored. */
    private readonly classes: ClassTable = dataset.classes,
  ) {}

  /** @throws Problem for a folder that cannot be written */
  async keep({ index, id, prediction, label, matrix }: ScoredPicture): Promise<void> {
    const name = id.replaceAll(/[^\w.-]+/g, "_");
    const files = { image: `${name}.jpg`, label: `${name}-label.png`, prediction: `${name}-prediction.png` };
    const image = await readBytes(this.dataset.samples[index]!.imagePath, "picture");
    const { width } = thinned(label).size;
    const jpeg = sharp(image).resize({ width, withoutEnlargement: true }).jpeg({ quality: 85 });
    await writeWhole(path.join(this.folder, files.image), await jpeg.toBuffer());
    await writePalette(path.join(this.folder, files.label), thinned(label), this.classes);
    await writePalette(path.join(this.folder, files.prediction), thinned(prediction), this.classes);
    this.kept.push({ id, mIoU: matrix.meanIoU(), ...files });
  }
}

/** Every n-th pixel of every n-th row, so that it is no wider than {@link widest}: classes are not mixed. */
function thinned({ data, size }: LabelMap): LabelMap {
  const step = Math.ceil(size.width / widest);
  const [height, width] = [Math.ceil(size.height / step), Math.ceil(size.width / step)];
  const pixels = new Uint8Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) pixels[y * width + x] = data[y * step * size.width + x * step]!;
  return { data: pixels, size: { height, width } };
}
