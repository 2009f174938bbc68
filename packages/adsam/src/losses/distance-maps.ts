import { createHash } from "node:crypto";
import { buildInfo, keep, noGrad, Problem, scope, stack, type Tensor } from "@adsam/torch";
import { boundaryDistance, signedDistances } from "./distances.js";
import { packDistances, type StoredDistances, storedBytes, unpackDistances } from "./stored-distances.js";
import type { SurfaceForm } from "./surface.js";

/** Names a label map, so that it is found again without reading its pixels: one id and size, one content. */
export interface MapKey {
  readonly id: string;
  /** Whether the labels at hand are the mirror image (left–right) of what the id names; both share one entry. */
  readonly mirrored?: boolean;
}

export interface DistanceMapsOptions {
  readonly form: SurfaceForm;
  readonly numClasses: number;
  readonly ignoreIndex?: number;
  /** Bytes kept at most; what was used longest ago goes first. 0 keeps nothing. */
  readonly maxBytes?: number;
}

/** What a cache did so far, and what it holds. */
export interface DistanceMapsUse {
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
  readonly bytes: number;
}

/**
 * The distances of the surface loss, computed once a label map and kept in main memory, under the key that the caller gives or a hash
 * of the labels. A map from here equals a fresh one bit for bit: a run does not depend on what was kept.
 */
export class DistanceMaps {
  readonly form: SurfaceForm;
  readonly numClasses: number;
  readonly ignoreIndex: number;
  readonly maxBytes: number;
  /** In order of last use. */
  private readonly entries = new Map<string, StoredDistances>();
  private hasKernels: boolean | undefined;
  private bytes = 0;
  private hits = 0;
  private misses = 0;

  constructor({ form, numClasses, ignoreIndex = 255, maxBytes = 512 * 2 ** 20 }: DistanceMapsOptions) {
    this.form = form;
    this.numClasses = numClasses;
    this.ignoreIndex = ignoreIndex;
    this.maxBytes = maxBytes;
  }

  get use(): DistanceMapsUse {
    return { hits: this.hits, misses: this.misses, entries: this.entries.size, bytes: this.bytes };
  }

  /**
   * @param labels [B, H, W], uint8 or int64
   * @param keys one a picture; a picture without one is found by its content
   * @returns float32 on the labels' device: [B, H, W], or [B, C, H, W] for the `signed` form
   * @throws Problem where the number of keys is not the batch size
   */
  get(labels: Tensor, keys?: readonly (MapKey | undefined)[]): Tensor {
    const [b] = labels.dims3("labels");
    if (keys && keys.length !== b)
      throw new Problem({ what: "distance maps", found: `${keys.length} keys`, expected: `${b}, one a picture` });
    if (labels.device !== "cpu" && this.measuresOnGpu()) return noGrad(() => this.measured(labels));
    return noGrad(() =>
      scope(() => {
        const maps = Array.from({ length: b }, (_, i) => scope(() => this.one(labels.select(0, i), keys?.[i])));
        return stack(maps).to({ device: labels.device });
      }),
    );
  }

  /** With its kernels a GPU measures a map sooner than one comes from main memory, and the host waits for nothing. */
  private measuresOnGpu(): boolean {
    this.hasKernels ??= buildInfo().cudaKernels;
    return this.hasKernels;
  }

  private measured(labels: Tensor): Tensor {
    return this.form === "distance" ? boundaryDistance(labels) : signedDistances(labels, this);
  }

  /** Frees all entries; the counters stay. */
  clear(): void {
    for (const name of this.entries.keys()) this.drop(name);
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  /** The map of one picture [H, W]. */
  private one(labels: Tensor, key: MapKey | undefined): Tensor {
    const turned = (map: Tensor): Tensor => (key?.mirrored ? map.flip([-1]) : map);
    const name = `${labels.shape.join("×")} ${key ? `key ${key.id}` : contentHash(labels)}`;
    const upright = turned(labels);
    let stored = this.entries.get(name);
    if (stored) {
      this.hits++;
      this.entries.delete(name); // and in again below, as the one used last
      this.entries.set(name, stored);
    } else {
      this.misses++;
      stored = packDistances(upright, this.form, this.numClasses);
      this.add(name, stored);
    }
    return turned(unpackDistances(stored, this.form, upright, this));
  }

  private add(name: string, stored: StoredDistances): void {
    const bytes = storedBytes(stored);
    if (bytes > this.maxBytes) return;
    this.entries.set(name, stored);
    keep(stored.squares);
    this.bytes += bytes;
    for (const oldest of this.entries.keys()) {
      if (this.bytes <= this.maxBytes) break;
      this.drop(oldest);
    }
  }

  private drop(name: string): void {
    const stored = this.entries.get(name)!;
    this.entries.delete(name);
    this.bytes -= storedBytes(stored);
    stored.squares.dispose();
  }
}

function contentHash(labels: Tensor): string {
  const dense = labels.to({ device: "cpu" }).contiguous();
  return `${dense.dtype} ${createHash("sha1").update(dense.bytes()).digest("base64")}`;
}
