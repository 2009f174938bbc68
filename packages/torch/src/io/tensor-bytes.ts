import type { Device } from "../device.js";
import { native } from "../native.js";
import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { elementBytes, type StoredDtype } from "./dtypes.js";
import type { StorageRecord, TensorRecord } from "./tensor-record.js";

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
 * Tensors on the bytes of a mapped file. Tensors of one storage share memory; pages are read when they are touched, and writing to a tensor
 * changes memory only, never the file.
 */
export class MappedStorages {
  readonly #mapped: Tensor;
  readonly #device: Device;
  readonly #copy: boolean;
  readonly #flat = new Map<StorageRecord, Tensor>();

  /** @param mapped uint8 [bytes of the file] */
  constructor(mapped: Tensor, { device, copy }: { device: Device; copy: boolean }) {
    this.#mapped = mapped;
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
    const itemBytes = elementBytes(record.dtype);
    const offset = record.byteOffset ?? 0;
    let flat = this.#mapped.narrow(0, offset, record.byteLength);
    if (offset % itemBytes !== 0) flat = flat.clone();
    // A byte that is neither 0 nor 1 is undefined behaviour as a C++ bool, so booleans are compared, not reinterpreted.
    flat = record.dtype === "bool" ? flat.ne(0) : flat.viewDtype(record.dtype);
    if (this.#device !== "cpu") flat = flat.to({ device: this.#device });
    else if (this.#copy) flat = flat.clone();
    this.#flat.set(record, flat);
    return flat;
  }
}
