/** What a store of embeddings holds, in words and as one hash: embeddings of two descriptions never meet. */
import { createHash } from "node:crypto";
import type { Normalisation } from "../transforms/normalise.js";

/** Of files and records. Another number, another store. */
export const formatVersion = 1;

export const storageDtypes = ["float16", "bfloat16", "int8"] as const;
export type StorageDtype = (typeof storageDtypes)[number];

export interface EmbeddingStorage {
  readonly dtype: StorageDtype;
  /** Of one embedding: channels, height, width in cells. */
  readonly shape: readonly [channels: number, height: number, width: number];
}

export interface EmbeddingDescription {
  readonly encoder: {
    /** For people; not part of the key. */
    readonly name: string;
    /** SHA-256 over the encoder's sizes and every tensor of its state dict. */
    readonly weights: string;
  };
  readonly preprocessing: {
    /** Pixels of the encoder's input; pictures are resized to it, aspect not kept. */
    readonly height: number;
    readonly width: number;
    /** Which resizing, to the bit. */
    readonly resize: "pillow-bilinear";
    readonly normalisation: Normalisation;
    readonly patchSize: number;
    /** What the encoder computes in. */
    readonly precision: "float32" | "bfloat16" | "float16";
  };
  readonly storage: EmbeddingStorage;
}

/** SHA-256 in hex of all that decides an embedding's bits, and of the format. */
export function descriptionKey(description: EmbeddingDescription): string {
  const { encoder, preprocessing, storage } = description;
  return createHash("sha256")
    .update(canonical({ formatVersion, weights: encoder.weights, preprocessing, storage }))
    .digest("hex");
}

/** A folder's name that people can tell apart: `sam-vit-h-1024x1024-float16-0123456789ab`, height first. */
export function folderName({ encoder, preprocessing, storage }: EmbeddingDescription, key: string): string {
  const name = encoder.name.replaceAll(/[^\w.-]/g, "_");
  return `${name}-${preprocessing.height}x${preprocessing.width}-${storage.dtype}-${key.slice(0, 12)}`;
}

/** JSON with the keys of every object in order, so that equal values have equal text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(",")}}`;
}
