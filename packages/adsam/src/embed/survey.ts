import { contentHash } from "../data/content-hash.js";
import type { EmbeddingStore } from "../data/embeddings/store.js";
import { readBytes } from "../data/files.js";
import type { FileProblem } from "../data/inspect-sample.js";

/** A picture that a data set holds, once or under several names. */
export interface SurveyedPicture {
  readonly picture: string;
  readonly file: string;
}

export interface Survey {
  /** Each content once, in the order of the files. */
  readonly pictures: readonly SurveyedPicture[];
  /** Embeddings of them that are stored. */
  readonly stored: number;
  readonly failed: readonly FileProblem[];
}

export interface SurveyOptions {
  readonly files: readonly string[];
  readonly store: EmbeddingStore;
  /** Which images of each are wanted: as it is, mirrored, or both. */
  readonly mirrored: readonly boolean[];
  /** Reads every stored embedding of them and drops the damaged ones. */
  readonly verify: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Files read at once. */
const atOnce = 4;

/** What of a data set is stored already. Files that cannot be read are listed, not thrown. */
export async function survey({ files, store, mirrored, verify, signal, onProgress }: SurveyOptions): Promise<Survey> {
  const hashes = new Array<string | undefined>(files.length);
  const failed: FileProblem[] = [];
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    while (next < files.length && !signal?.aborted) {
      const place = next++;
      try {
        hashes[place] = contentHash(await readBytes(files[place]!, "picture"));
      } catch (error) {
        failed.push({ file: files[place]!, message: (error as Error).message });
      }
      onProgress?.(++done, files.length);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const first = new Map<string, string>();
  for (const [place, picture] of hashes.entries())
    if (picture !== undefined && !first.has(picture)) first.set(picture, files[place]!);
  const pictures = [...first].map(([picture, file]) => ({ picture, file }));
  const scratch = new Uint8Array(store.payloadBytes);
  let stored = 0;
  for (const { picture } of pictures)
    for (const mirror of mirrored) {
      const id = { picture, mirrored: mirror };
      if (verify ? store.read(id, scratch) : store.has(id)) stored++;
      if (verify && signal?.aborted) break;
    }
  return { pictures, stored, failed: failed.sort((a, b) => (a.file < b.file ? -1 : 1)) };
}
