import type { Dtype } from "../dtype.js";
import { empty } from "../generated/functions.js";
import { noGrad } from "../mode.js";
import { Problem } from "../problem.js";
import { scope } from "../scope.js";
import { Tensor } from "../tensor.js";
import { elementBytes } from "./dtypes.js";
import { giveBack, SCRATCH_BYTES, takeBuffer } from "./tensor-bytes.js";
import { contiguousStride, readStorage, type TensorRecord } from "./tensor-record.js";

/**
 * A tensor that lies in a file: its shape and dtype are known, its elements are read when they are asked for, through one small buffer to
 * where they shall stand. Loading a network from these needs no more memory than the network has. The file must still be open.
 */
export class StoredTensor {
  readonly #record: TensorRecord;

  constructor(record: TensorRecord) {
    this.#record = record;
  }

  get shape(): readonly number[] {
    return this.#record.shape;
  }

  get dtype(): Dtype {
    return this.#record.dtype;
  }

  get numel(): number {
    return this.#record.numel;
  }

  /** Writes the elements over those of `target`, a tensor of this shape, in its dtype and on its device. */
  copyTo(target: Tensor): void {
    if (target.shape.join() !== this.shape.join())
      throw new Problem({
        what: `${this.#record.storage.source?.label ?? "a checkpoint"}: a tensor to be read into another`,
        found: `[${this.shape.join(", ")}]`,
        expected: `[${target.shape.join(", ")}]`,
      });
    if (this.numel === 0) return;
    // Not straight into the tensor's memory: a view of it for Node would keep that alive until the next collection of garbage.
    const inOrder = this.#record.isContiguous && isDense(target);
    noGrad(() => scope(() => (inOrder ? this.#copyInPieces(target) : this.#copyStrided(target))));
  }

  /** The elements in memory of their own. */
  read(): Tensor {
    return scope(() => {
      const tensor = empty(this.shape, { dtype: this.dtype });
      this.copyTo(tensor);
      return tensor;
    });
  }

  /** First byte in the storage. */
  get #start(): number {
    const { offset, dtype } = this.#record;
    return offset * elementBytes(dtype);
  }

  #copyInPieces(target: Tensor): void {
    const step = Math.floor(SCRATCH_BYTES / elementBytes(this.#record.dtype));
    const flat = target.detach().view([-1]);
    for (let start = 0; start < this.numel; start += step) {
      const length = Math.min(step, this.numel - start);
      this.#withRun(start, length, (run) => flat.narrow(0, start, length).copy_(run));
    }
  }

  #copyStrided(target: Tensor): void {
    const { shape, stride } = this.#record;
    const length = shape.reduce((sum, size, axis) => sum + (size - 1) * stride[axis]!, 1);
    this.#withRun(0, length, (run) => target.detach().copy_(run.asStrided(shape, stride)));
  }

  /** `length` elements of the file from the tensor's `start`th on, [length], valid until `use` returns. */
  #withRun(start: number, length: number, use: (run: Tensor) => void): void {
    const { dtype, storage } = this.#record;
    const itemBytes = elementBytes(dtype);
    const buffer = takeBuffer(length * itemBytes);
    const bytes = buffer.subarray(0, length * itemBytes);
    readStorage(storage, bytes, this.#start + start * itemBytes);
    scope(() => {
      if (dtype === "bool") use(Tensor.share(bytes, [length]).ne(0));
      else use(Tensor.share(bytes, [length], { dtype }));
    });
    if (buffer.byteLength <= SCRATCH_BYTES) giveBack(buffer);
  }
}

/** Row-major without gaps. */
function isDense({ shape, strides }: Tensor): boolean {
  const dense = contiguousStride(shape);
  return shape.every((size, axis) => size === 1 || strides[axis] === dense[axis]);
}
