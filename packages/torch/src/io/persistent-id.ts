import { Problem } from "../problem.js";
import { elementBytes, type StoredDtype } from "./dtypes.js";
import { StorageClass } from "./pickle-globals.js";
import type { Tuple } from "./tree.js";

/** What a persistent id of `torch.save` says of a storage. */
export interface StorageId {
  readonly key: string;
  readonly dtype: StoredDtype;
  readonly byteLength: number;
  /** Files from before 0.4: the tensor stands on a part of the storage only. In elements. */
  readonly view?: { readonly offset: number; readonly length: number };
}

/**
 * Reads ("storage", storage class, key, location, number of elements[, view]), the view being None or (key, offset, length). The location is
 * where the writer's memory was, such as "cuda:0": of no use here.
 */
export function readStorageId(id: Tuple, what: string): StorageId {
  const [kind, storageClass, key, , numel, view] = id;
  if (kind !== "storage" || !(storageClass instanceof StorageClass) || typeof key !== "string") {
    throw new Problem({
      what,
      found: "a persistent id that is no storage",
      expected: '("storage", class, key, location, size)',
    });
  }
  const elements = wholeNumber(numel, `storage "${key}" of`, what);
  const { dtype } = storageClass;
  const byteLength = elements * elementBytes(dtype);
  if (view === undefined || view === null) return { key, dtype, byteLength };
  const [, offset, length] = Array.isArray(view) ? (view as readonly unknown[]) : [];
  const part = {
    offset: wholeNumber(offset, `a view of storage "${key}" from`, what),
    length: wholeNumber(length, `a view of storage "${key}" over`, what),
  };
  if (part.offset + part.length > elements) {
    throw new Problem({
      what,
      found: `a view of elements ${part.offset} to ${part.offset + part.length} of storage "${key}"`,
      expected: `at most its ${elements}`,
    });
  }
  return { key, dtype, byteLength, view: part };
}

function wholeNumber(value: unknown, of: string, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  const text = typeof value === "object" ? "something" : String(value);
  throw new Problem({ what, found: `${of} ${text} elements`, expected: "a whole number" });
}

/** One key named again must mean the same bytes. */
export function checkSameStorage(known: Pick<StorageId, "dtype" | "byteLength">, id: StorageId, what: string): void {
  if (known.dtype === id.dtype && known.byteLength === id.byteLength) return;
  const found = `storage "${id.key}" both as ${known.byteLength} bytes of ${known.dtype} and ${id.byteLength} of ${id.dtype}`;
  throw new Problem({ what, found, expected: "one size and dtype for each storage" });
}
