import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";

export interface HashOptions {
  readonly signal?: AbortSignal | undefined;
  /** After each mebibyte or so. @param done bytes hashed */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * SHA-256 of a file's bytes, read in pieces of 1 MiB; still open, for more to be added.
 * @throws the system's error for a file that cannot be read, AbortError once the signal is set
 */
export async function hashOfFile(file: string, { signal, onProgress }: HashOptions = {}): Promise<Hash> {
  const hash = createHash("sha256");
  let done = 0;
  for await (const bytes of createReadStream(file, { highWaterMark: 1 << 20, ...(signal && { signal }) })) {
    hash.update(bytes as Buffer);
    done += (bytes as Buffer).length;
    onProgress?.(done);
  }
  return hash;
}
