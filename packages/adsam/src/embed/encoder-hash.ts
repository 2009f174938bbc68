import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { scope } from "@adsam/torch";
import { canonical } from "../data/embeddings/description.js";
import { makeFolder } from "../data/make-folder.js";
import type { EncoderConfig, ImageEncoder } from "../models/encoders.js";

/**
 * SHA-256 in hex over what decides an encoder's output: its sizes, and name, dtype, shape and bytes of every parameter and buffer.
 * About a second and a half for SAM's largest.
 */
export function hashEncoder(encoder: ImageEncoder): string {
  const hash = createHash("sha256").update(canonical(encoder.config));
  for (const [name, tensor] of encoder.stateDict())
    scope(() => {
      hash.update(`\n${name} ${tensor.dtype} [${tensor.shape.join(", ")}]\n`);
      hash.update(tensor.detach().to({ device: "cpu" }).contiguous().bytes());
    });
  return hash.digest("hex");
}

/** Another number where the same file would come to be loaded into other weights. */
const loaderVersion = 1;

/**
 * Hashes of encoders by the file they were loaded from, so that a file need not be loaded to know what it holds. A checkpoint in several
 * files is not noted: its index does not tell whether one of them was changed.
 */
export class EncoderHashes {
  /** @param folder made when the first is noted */
  constructor(private readonly folder: string) {}

  /** What was noted for the file as it is now: any write to it, and any file put in its place, is another. */
  find(file: string, config: EncoderConfig): string | undefined {
    if (!isWhole(file)) return undefined;
    try {
      const text = readFileSync(this.#place(file, config), "utf8");
      return /^[0-9a-f]{64}$/.test(text) ? text : undefined;
    } catch {
      return undefined; // not noted yet
    }
  }

  /** Notes it; where nothing can be written, it is reckoned again next time. */
  note(file: string, config: EncoderConfig, hash: string): void {
    if (!isWhole(file)) return;
    const half = `${this.#place(file, config)}.${process.pid}.part`;
    try {
      makeFolder(this.folder);
      writeFileSync(half, hash);
      renameSync(half, this.#place(file, config));
    } catch {
      rmSync(half, { force: true });
    }
  }

  #place(file: string, config: EncoderConfig): string {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    const now = [path.resolve(file), dev, ino, size, mtimeNs, ctimeNs].map(String);
    return path.join(
      this.folder,
      createHash("sha256")
        .update(canonical([loaderVersion, config, now]))
        .digest("hex"),
    );
  }
}

/** Whether a checkpoint is all in one file: neither a folder nor the JSON that lists the files. */
function isWhole(file: string): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(file, "r");
    const start = Buffer.alloc(2);
    readSync(fd, start, 0, 2, 0);
    return !/^[\s{][\s{"]/.test(start.toString("latin1"));
  } catch {
    return false; // a folder, or a file that loading will complain about
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
