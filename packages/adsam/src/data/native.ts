/**
 * The passes over every byte of a picture, in C++ (native/pictures): it is loaded at the first use, and without libtorch, so
 * that threads which only read pictures stay small. All arrays are the caller's; a function fills its last one.
 */
import { createRequire } from "node:module";
import { nativeBuild } from "@adsam/torch/native";
import { Problem } from "@adsam/torch/problem";

/** For each output place `i`: the first input place and how many are weighed; weights in 22-bit fixed point at `i * width`. */
export interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
  readonly width: number;
}

export interface PictureKernels {
  /**
   * PNG's row filters undone: height rows of 1 + rowBytes → height rows of rowBytes.
   * @param bytesPerPixel 1, 3 or 4
   * @returns false where a row has a filter that PNG does not know
   */
  unfilter(filtered: Uint8Array, height: number, rowBytes: number, bytesPerPixel: number, out: Uint8Array): boolean;
  /** [height, fromWidth, 3] → [height, toWidth, 3] */
  resizeRows(data: Uint8Array, height: number, fromWidth: number, toWidth: number, taps: Taps, out: Uint8Array): void;
  /** [fromHeight, rowBytes] → [toHeight, rowBytes] */
  resizeColumns(
    data: Uint8Array,
    rowBytes: number,
    fromHeight: number,
    toHeight: number,
    taps: Taps,
    out: Uint8Array,
  ): void;
  /** `out[y, x] = data[rows[y], columns[x]]` of [height, width]. */
  pick(data: Uint8Array, height: number, width: number, rows: Int32Array, columns: Int32Array, out: Uint8Array): void;
  /** [area, 3] → [3, area] at `offset`, each byte replaced by its number in `table`, [3, 256]. */
  spread(data: Uint8Array, area: number, table: Float32Array, out: Float32Array, offset: number): void;
  /** [height, width, channels], left and right exchanged; 1 or 3 channels. */
  mirror(data: Uint8Array, height: number, width: number, channels: number, out: Uint8Array): void;
  /** `out[i] = table[ids[i]]`. @returns whether no entry taken was `refused` */
  lookUp(ids: Uint8Array, table: Uint8Array, refused: number, out: Uint8Array): boolean;
}

let loaded: PictureKernels | undefined;

/** @throws Problem where the native part has not been built, or does not load */
export function pictureKernels(): PictureKernels {
  if (loaded) return loaded;
  const { pictures } = nativeBuild();
  try {
    loaded = createRequire(import.meta.url)(pictures) as PictureKernels;
  } catch (error) {
    throw new Problem(
      {
        what: `the native part ${pictures} does not load`,
        found: (error as Error).message.split("\n")[0] ?? "",
        expected: `a build for Node ${process.version}`,
        todo: "Run `./adsam doctor`; after removing build/native the next command through `./adsam` builds afresh.",
      },
      { cause: error },
    );
  }
  return loaded;
}
