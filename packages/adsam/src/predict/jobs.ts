/** What worker threads do around the network: reading, resizing, painting, writing. Nothing here needs libtorch. */

import { writeWhole } from "../data/files.js";
import type { ClassTable } from "../data/labels.js";
import { type LabelMap, type Picture, readPicture, type Size } from "../data/picture.js";
import { type Handler, InlinePool, type Pool, ThreadPool } from "../data/worker-pool.js";
import { encodeGrey, encodePalette, encodePicture, overlay } from "../data/write-png.js";
import { type IdForm, renumbered } from "./label-ids.js";
import { type PreparedPicture, preparePicture } from "./prepare.js";

/** What a run writes of each picture; plain data. */
export interface PictureOutputs {
  /** Absolute paths; undefined: not written. */
  readonly idsFile: string | undefined;
  readonly overlayFile: string | undefined;
  readonly idForm: IdForm;
  /** Ids as a palette PNG in the classes' colours instead of grey. */
  readonly palette: boolean;
  readonly overlayFormat: "png" | "jpg";
  readonly classes: ClassTable;
  /** How strongly the colours cover the picture, 0…1. */
  readonly alpha: number;
}

type Order =
  | { readonly read: string; readonly input: Size }
  | { readonly prepare: Picture; readonly input: Size }
  | { readonly write: PictureOutputs; readonly picture: Picture; readonly ids: LabelMap }
  | { readonly paint: Picture; readonly ids: LabelMap; readonly classes: ClassTable; readonly alpha: number };
type Outcome = PreparedPicture | Picture | null;

export const handlePredictionJob: Handler<Order, Outcome> = async (order) => {
  if ("read" in order) return prepared(await readPicture(order.read), order.input);
  if ("prepare" in order) return prepared(order.prepare, order.input);
  if ("paint" in order) {
    const result = overlay(order.paint, order.ids, order.classes, order.alpha);
    return { result, transfer: [result.data.buffer as ArrayBuffer] };
  }
  await write(order.write, order.picture, order.ids);
  return { result: null };
};

/** The bytes are copied once, because those that libvips and ffmpeg gave cannot change threads. */
function prepared({ data, size }: Picture, input: Size) {
  const result = preparePicture({ data: Uint8Array.from(data), size }, input);
  return { result, transfer: [result.picture.data.buffer, result.image.buffer] as ArrayBuffer[] };
}

async function write(outputs: PictureOutputs, picture: Picture, ids: LabelMap): Promise<void> {
  const { idsFile, overlayFile, idForm, palette, overlayFormat, classes, alpha } = outputs;
  if (idsFile !== undefined) {
    const written = renumbered(ids, idForm);
    await writeWhole(idsFile, palette ? encodePalette(written, idForm.palette) : encodeGrey(written));
  }
  if (overlayFile === undefined) return;
  const format = overlayFormat === "jpg" ? "jpeg" : "png";
  await writeWhole(overlayFile, await encodePicture(overlay(picture, ids, classes, alpha), format));
}

/** The threads of one prediction run. */
export class PredictionPool {
  readonly #pool: Pool<Order, Outcome>;
  readonly #input: Size;

  /** @param workers 0 works on the caller's thread */
  constructor(input: Size, workers: number) {
    this.#input = input;
    this.#pool =
      workers === 0
        ? new InlinePool(handlePredictionJob)
        : new ThreadPool(new URL("./predict-worker.js", import.meta.url), { predictionJobs: true }, workers);
  }

  /** @throws Problem for a file that is no picture */
  read(file: string): Promise<PreparedPicture> {
    return this.#pool.run({ read: file, input: this.#input }).result as Promise<PreparedPicture>;
  }

  prepare(picture: Picture): Promise<PreparedPicture> {
    return this.#pool.run({ prepare: picture, input: this.#input }).result as Promise<PreparedPicture>;
  }

  /** @throws Problem where a file cannot be written */
  async write(outputs: PictureOutputs, picture: Picture, ids: LabelMap): Promise<void> {
    await this.#pool.run({ write: outputs, picture, ids }).result;
  }

  paint(picture: Picture, ids: LabelMap, classes: ClassTable, alpha: number): Promise<Picture> {
    return this.#pool.run({ paint: picture, ids, classes, alpha }).result as Promise<Picture>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}
