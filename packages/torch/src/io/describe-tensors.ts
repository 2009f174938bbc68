import { native } from "../native.js";
import { Problem } from "../problem.js";
import { Tensor } from "../tensor.js";
import { elementBytes, isStoredDtype, STORED_DTYPES, type StoredDtype } from "./dtypes.js";
import { type PlannedStorage, plannedBytes, planStorages, type TensorSpan } from "./storage-plan.js";
import { contiguousChunks, storageChunks } from "./tensor-bytes.js";
import { contiguousStride, type StorageRecord, TensorRecord } from "./tensor-record.js";
import { mapLeaves, type WritableTree } from "./tree.js";

function isTensor(value: unknown): value is Tensor {
  return value instanceof Tensor;
}

/** The tree with a record for each tensor: what will be written, with the bytes left where they are until then. */
export function describeTensors(tree: WritableTree<Tensor>): WritableTree {
  const tensors: Tensor[] = [];
  mapLeaves(tree, isTensor, (tensor) => tensors.push(tensor));
  const spans = tensors.map((tensor) => spanOf(tensor, "saving a checkpoint"));
  const records = new Map<Tensor, TensorRecord>();
  for (const planned of planStorages(spans)) {
    const storage = storageOf(planned, tensors);
    for (const index of planned.tensors) records.set(tensors[index]!, recordOf(spans[index]!, planned, storage));
  }
  return mapLeaves(tree, isTensor, (tensor) => records.get(tensor)!);
}

/** One tensor on a storage of its own, in row-major order. */
export function describeDense(tensor: Tensor, what: string): TensorRecord {
  const { dtype, shape } = spanOf(tensor, what);
  const byteLength = tensor.numel * elementBytes(dtype);
  return new TensorRecord({ dtype, shape, storage: { dtype, byteLength, chunks: () => contiguousChunks(tensor) } });
}

function storageOf(planned: PlannedStorage, tensors: readonly Tensor[]): StorageRecord {
  const tensor = tensors[planned.tensors[0]!]!;
  const { dtype, start, length, compact } = planned;
  const chunks = () => (compact ? contiguousChunks(tensor) : storageChunks(tensor, start, length));
  return { dtype, byteLength: plannedBytes(planned), chunks };
}

function recordOf(
  { dtype, shape, stride, offset }: TensorSpan,
  planned: PlannedStorage,
  storage: StorageRecord,
): TensorRecord {
  if (planned.compact) return new TensorRecord({ dtype, shape, stride: contiguousStride(shape), storage });
  return new TensorRecord({ dtype, shape, stride, offset: planned.length === 0 ? 0 : offset - planned.start, storage });
}

function spanOf(tensor: Tensor, what: string): TensorSpan {
  if (tensor.disposed) {
    throw new Problem({
      what,
      found: "a tensor that was disposed",
      expected: "tensors that are alive",
      todo: "keep() what outlives its scope.",
    });
  }
  if (tensor.device === "meta")
    throw new Problem({ what, found: "a tensor on the device meta", expected: "tensors that have data" });
  return {
    storageKey: native().storage(tensor.id).key,
    dtype: storedDtype(tensor, what),
    shape: tensor.shape,
    stride: tensor.strides,
    offset: native().storageOffset(tensor.id),
  };
}

function storedDtype(tensor: Tensor, what: string): StoredDtype {
  const { dtype } = tensor;
  if (isStoredDtype(dtype)) return dtype;
  throw new Problem({ what, found: `a tensor of ${dtype}`, expected: `one of ${STORED_DTYPES.join(", ")}` });
}
