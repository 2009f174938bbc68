import type { Device } from "../device.js";
import { empty } from "../generated/functions.js";
import { native } from "../native.js";
import { Problem } from "../problem.js";
import { scope } from "../scope.js";
import { Tensor } from "../tensor.js";
import { FileSource } from "./byte-source.js";
import { elementBytes, type StoredDtype } from "./dtypes.js";
import { readStorage, type StorageRecord, type TensorRecord } from "./tensor-record.js";

/** Weights leave a tensor, and enter one of another dtype or device, through one buffer of this size, whatever the tensor's, and whatever its device. */
export const SCRATCH_BYTES = 8 << 20;

/** The buffer between two uses: a checkpoint has hundreds of tensors, and a buffer each would wait for the collector. */
let spare: Uint8Array | undefined;

export function takeBuffer(bytes: number): Uint8Array {
  const buffer = spare && spare.byteLength >= bytes ? spare : new Uint8Array(bytes);
  spare = undefined; // pieces of two tensors asked for in turn come from two buffers
  return buffer;
}

export function giveBack(buffer: Uint8Array): void {
  if (buffer.byteLength > (spare?.byteLength ?? 0)) spare = buffer;
}

/** The bytes of `length` elements of a tensor's storage from `start` on, in pieces. Each piece is valid until the next is asked for. */
export function* storageChunks(tensor: Tensor, start: number, length: number): Generator<Uint8Array> {
  const itemBytes = elementBytes(tensor.dtype as StoredDtype);
  const step = Math.floor(SCRATCH_BYTES / itemBytes);
  const scratch = takeBuffer(Math.min(length, step) * itemBytes);
  try {
    for (let done = 0; done < length; done += step) {
      const count = Math.min(step, length - done);
      const piece = scratch.subarray(0, count * itemBytes);
      scope(() => {
        const run = tensor.detach().asStrided([count], [1], { storageOffset: start + done });
        native().copyBytes(run.to({ device: "cpu" }).id, piece);
      });
      yield piece;
    }
  } finally {
    giveBack(scratch);
  }
}

/** The elements of a tensor in row-major order, in pieces. Copies the tensor once where it is not contiguous. */
export function* contiguousChunks(tensor: Tensor): Generator<Uint8Array> {
  const dense = scope(() => tensor.detach().contiguous());
  try {
    yield* storageChunks(dense, native().storageOffset(dense.id), dense.numel);
  } finally {
    dense.dispose();
  }
}

/**
 * Tensors on the bytes of mapped files. Tensors of one storage share memory; pages are read when they are touched, and writing to a tensor
 * changes memory only, never the file. What cannot stand on its file, because it is not aligned there, is read into memory at once.
 */
export class MappedStorages {
  readonly #device: Device;
  readonly #copy: boolean;
  readonly #files = new Map<FileSource, Tensor>();
  readonly #flat = new Map<StorageRecord, Tensor>();

  constructor({ device, copy }: { device: Device; copy: boolean }) {
    this.#device = device;
    this.#copy = copy;
  }

  tensor(record: TensorRecord): Tensor {
    return this.#storage(record.storage).asStrided(record.shape, record.stride, this.#offset(record));
  }

  /** Every storage is a tensor of its own that may begin anywhere in the mapping. */
  #offset({ storage, offset }: TensorRecord): { storageOffset: number } {
    return { storageOffset: native().storageOffset(this.#storage(storage).id) + offset };
  }

  /** [elements of the storage] */
  #storage(record: StorageRecord): Tensor {
    const known = this.#flat.get(record);
    if (known !== undefined) return known;
    const bytes = this.#mappedBytes(record);
    const owned = bytes ?? ownBytes(record);
    // A byte that is neither 0 nor 1 is undefined behaviour as a C++ bool, so booleans are compared, not reinterpreted.
    let flat = record.dtype === "bool" ? owned.ne(0) : owned.viewDtype(record.dtype);
    if (this.#device !== "cpu") flat = flat.to({ device: this.#device });
    else if (this.#copy && bytes !== undefined) flat = flat.clone();
    this.#flat.set(record, flat);
    return flat;
  }

  /** uint8 [bytes of the storage] on its file, or undefined where its bytes cannot be used in place. */
  #mappedBytes({ source, byteOffset, byteLength, dtype }: StorageRecord): Tensor | undefined {
    if (!(source instanceof FileSource) || byteOffset === undefined || byteOffset % elementBytes(dtype) !== 0) return;
    let mapped = this.#files.get(source);
    if (mapped === undefined) {
      mapped = mapWhole(source);
      this.#files.set(source, mapped);
    }
    return mapped.narrow(0, byteOffset, byteLength);
  }
}

/** uint8 [bytes of the file] */
function mapWhole(source: FileSource): Tensor {
  const mapped = Tensor.mapFile(source.path);
  if (mapped.numel === source.size) return mapped;
  throw new Problem({
    what: source.label,
    found: "another file there by now",
    expected: "one that stays while it is read",
  });
}

/** uint8 [bytes of the storage] in memory of its own. */
function ownBytes(record: StorageRecord): Tensor {
  const bytes = empty([record.byteLength], { dtype: "uint8" });
  readStorage(record, bytes.bytes());
  return bytes;
}
