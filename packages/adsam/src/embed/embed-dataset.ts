import { Problem } from "@adsam/torch";
import type { Compute } from "../compute.js";
import { diskSize, freeBytes } from "../data/embeddings/disk-space.js";
import { storeBytes } from "../data/embeddings/record.js";
import type { EmbeddingStore } from "../data/embeddings/store.js";
import type { FileProblem } from "../data/inspect-sample.js";
import type { ImageEncoder } from "../models/encoders.js";
import { EmbedRun } from "./embed-run.js";
import { survey } from "./survey.js";

export interface EmbedOptions {
  readonly files: readonly string[];
  readonly store: EmbeddingStore;
  readonly encoder: () => ImageEncoder;
  readonly compute: Compute;
  /** Whether the mirror images are wanted too. */
  readonly mirror: boolean;
  /** Threads that read pictures ahead; 0 reads on the caller's. */
  readonly workers: number;
  /** Also reads what is stored already, and computes anew what is damaged. */
  readonly verify?: boolean;
  /** Ends after the picture at hand. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (phase: "looking" | "embedding", done: number, total: number) => void;
  /** Before the first picture is computed. */
  readonly onPlan?: (plan: EmbedPlan) => void;
}

export interface EmbedPlan {
  /** Different pictures, by content. */
  readonly pictures: number;
  /** Of those pictures and their mirror images, together. */
  readonly embeddings: number;
  readonly stored: number;
  readonly missing: number;
  /** Bytes that all of them take on disk, and those that are missing. */
  readonly totalBytes: number;
  readonly missingBytes: number;
  /** Undefined where the system does not say. */
  readonly freeBytes: number | undefined;
}

export interface EmbedSummary {
  readonly pictures: number;
  readonly embeddings: number;
  /** Computed and stored by this call. */
  readonly new: number;
  /** There before, or computed by other processes meanwhile. */
  readonly stored: number;
  readonly seconds: number;
  /** Of the whole store on disk, whatever data sets are in it. */
  readonly storeBytes: number;
  /** ‖stored − computed‖ / ‖computed‖ over the new ones; null where there are none. */
  readonly error: { readonly mean: number; readonly largest: number } | null;
  /** Files that are no pictures. */
  readonly failed: readonly FileProblem[];
  /** Stored embeddings found damaged; they were dropped and, unless stopped before, computed anew. */
  readonly damaged: number;
  /** What is wrong with the store's files beside single embeddings. */
  readonly faults: readonly string[];
  /** False where it was stopped. */
  readonly complete: boolean;
}

/**
 * Computes and stores the embeddings of pictures, and of their mirror images, that a store does not hold yet. Any number of processes
 * may do so at once; each picture is computed by one of them.
 * @throws Problem where the disk does not hold them; what was stored before is whole
 */
export async function embedDataset(options: EmbedOptions): Promise<EmbedSummary> {
  const { store, files, mirror, verify = false, signal, onProgress, onPlan } = options;
  const started = performance.now();
  const mirrored = mirror ? [false, true] : [false];
  const looking = (done: number, total: number) => onProgress?.("looking", done, total);
  const { pictures, stored, failed } = await survey({ files, store, mirrored, verify, signal, onProgress: looking });
  const embeddings = pictures.length * mirrored.length;
  const { storage } = store.description;
  const plan: EmbedPlan = {
    pictures: pictures.length,
    embeddings,
    stored,
    missing: embeddings - stored,
    totalBytes: storeBytes(storage, embeddings),
    missingBytes: storeBytes(storage, embeddings - stored),
    freeBytes: freeBytes(store.folder),
  };
  onPlan?.(plan);
  requireSpace(store, plan);
  const run = new EmbedRun(options, mirrored, failed);
  await run.finish(pictures);
  return {
    pictures: pictures.length,
    embeddings,
    new: run.errors.length,
    stored: run.countStored(pictures) - run.errors.length,
    seconds: (performance.now() - started) / 1000,
    storeBytes: store.bytes,
    error: errorOf(run.errors),
    failed: run.failed,
    damaged: store.damaged.length,
    faults: store.faults,
    complete: !signal?.aborted,
  };
}

function errorOf(errors: readonly number[]): EmbedSummary["error"] {
  if (errors.length === 0) return null;
  return { mean: errors.reduce((sum, error) => sum + error, 0) / errors.length, largest: Math.max(...errors) };
}

/** @throws Problem where the missing ones do not fit */
export function requireSpace(
  { folder, description }: Pick<EmbeddingStore, "folder" | "description">,
  { missing, missingBytes, freeBytes }: Pick<EmbedPlan, "missing" | "missingBytes" | "freeBytes">,
): void {
  if (freeBytes === undefined || missingBytes <= freeBytes) return;
  const smaller = storeBytes({ ...description.storage, dtype: "int8" }, missing);
  const int8 = description.storage.dtype === "int8" ? "" : `take --dtype int8 (${diskSize(smaller)}), `;
  throw new Problem({
    what: `embedding store "${folder}"`,
    found: `${diskSize(freeBytes)} free on its disk`,
    expected: `${diskSize(missingBytes)} for ${missing} embeddings`,
    todo: `Free some space, ${int8}or name a folder on another disk with --store.`,
  });
}
