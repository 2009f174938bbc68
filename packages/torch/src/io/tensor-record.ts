import { Problem } from "../problem.js";
import type { ByteSource } from "./byte-source.js";
import { elementBytes, type StoredDtype } from "./dtypes.js";

/** A run of bytes that one or several tensors look into. Two records with the same `StorageRecord` object share memory. */
export interface StorageRecord {
  readonly dtype: StoredDtype;
  readonly byteLength: number;
  /** The file that has the bytes, and where they begin in it; both undefined when they are in memory only. */
  readonly source?: ByteSource | undefined;
  readonly byteOffset?: number | undefined;
  /** The bytes, little-endian, in pieces of any size, read or copied only now. */
  chunks(): Iterable<Uint8Array>;
}

/** Fills `target` with the bytes of a storage from its byte `start` on. */
export function readStorage(storage: StorageRecord, target: Uint8Array, start = 0): void {
  const { source, byteOffset } = storage;
  if (source !== undefined && byteOffset !== undefined) {
    source.readInto(target, byteOffset + start);
    return;
  }
  let at = -start; // of the chunk's first byte in the target
  for (const chunk of storage.chunks()) {
    const from = Math.max(0, -at);
    const piece = chunk.subarray(from, from + target.length - Math.max(0, at));
    if (piece.length > 0) target.set(piece, Math.max(0, at));
    at += chunk.length;
    if (at >= target.length) return;
  }
  throw new Error(`a storage of ${storage.byteLength} bytes delivered ${at + start}`);
}

export interface TensorRecordParts {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** In elements; row-major (contiguous) when left out. */
  readonly stride?: readonly number[];
  /** First element, counted in elements from the storage's start. */
  readonly offset?: number;
  readonly storage: StorageRecord;
  readonly requiresGrad?: boolean;
  /** An `nn.Parameter` rather than a plain tensor. */
  readonly parameter?: boolean;
}

/**
 * A tensor as a file describes it, before any memory is made for it. The constructor refuses whatever would reach outside the storage:
 * offset + Σ(size−1)·stride must lie below the storage's number of elements.
 */
export class TensorRecord {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly offset: number;
  readonly storage: StorageRecord;
  readonly requiresGrad: boolean;
  readonly parameter: boolean;

  /** `what` begins the message of a refusal: `checkpoint "a.pth": a tensor of storage "3"`. */
  constructor(parts: TensorRecordParts, what = "tensor record") {
    const { dtype, shape, storage, offset = 0 } = parts;
    const numel = elementCount(shape, what);
    const stride = parts.stride ?? contiguousStride(shape);
    checkReach({ shape, stride, offset, numel, capacity: Math.floor(storage.byteLength / elementBytes(dtype)), what });
    if (storage.dtype !== dtype) {
      throw new Problem({
        what,
        found: `dtype ${dtype} on a storage of ${storage.dtype}`,
        expected: "one dtype for both",
      });
    }
    this.dtype = dtype;
    this.shape = shape;
    this.stride = stride;
    this.offset = offset;
    this.storage = storage;
    this.requiresGrad = parts.requiresGrad ?? false;
    this.parameter = parts.parameter ?? false;
  }

  get numel(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Row-major without gaps, so that the elements are `numel` neighbours in the storage. */
  get isContiguous(): boolean {
    const expected = contiguousStride(this.shape);
    return this.numel === 0 || this.shape.every((size, axis) => size === 1 || this.stride[axis] === expected[axis]);
  }
}

/** Row-major strides in elements: [2, 3, 4] → [12, 4, 1]. */
export function contiguousStride(shape: readonly number[]): number[] {
  const stride = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    stride[axis] = step;
    step *= Math.max(shape[axis] ?? 1, 1);
  }
  return stride;
}

/** Dimensions of a tensor, as libtorch has them at most. */
export const MAX_RANK = 64;

/** Number of elements of an untrusted shape; refuses what is not a whole number, is negative or overflows. */
export function elementCount(shape: readonly unknown[], what: string): number {
  if (shape.length > MAX_RANK) {
    throw new Problem({ what, found: `${shape.length} dimensions`, expected: `at most ${MAX_RANK}` });
  }
  let numel = 1;
  let ceiling = 1; // the product as if no size were 0, so that [0, 2⁵⁰, 2⁵⁰] is refused as well
  for (const size of shape) {
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
      throw new Problem({
        what,
        found: `a dimension of size ${String(size)}`,
        expected: "a whole number of at least 0",
      });
    }
    numel *= size;
    ceiling *= Math.max(size, 1);
    if (!Number.isSafeInteger(ceiling)) {
      throw new Problem({ what, found: `shape [${shape.join(", ")}]`, expected: "fewer than 2^53 elements" });
    }
  }
  return numel;
}

interface Reach {
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly offset: number;
  readonly numel: number;
  /** Elements in the storage. */
  readonly capacity: number;
  readonly what: string;
}

function checkReach({ shape, stride, offset, numel, capacity, what }: Reach): void {
  if (stride.length !== shape.length) {
    throw new Problem({ what, found: `${stride.length} strides for ${shape.length} dimensions`, expected: "as many" });
  }
  for (const number of [offset, ...stride]) {
    if (!Number.isSafeInteger(number) || number < 0) {
      throw new Problem({ what, found: `offset or stride ${number}`, expected: "a whole number of at least 0" });
    }
  }
  const last = offset + shape.reduce((sum, size, axis) => sum + (size - 1) * (stride[axis] ?? 0), 0);
  const fits = numel === 0 ? offset <= capacity : Number.isSafeInteger(last) && last < capacity;
  if (!fits) {
    throw new Problem({
      what,
      found: `shape [${shape.join(", ")}], stride [${stride.join(", ")}], offset ${offset} on a storage of ${capacity} elements`,
      expected: "every element inside the storage",
      todo: "The file is damaged or was made to mislead; fetch it again from a source you trust.",
    });
  }
}
