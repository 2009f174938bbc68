import { Problem } from "../problem.js";
import { elementBytes, type StoredDtype } from "./dtypes.js";
import { contiguousStride, elementCount, TensorRecord } from "./tensor-record.js";
import { mapLeaves, type Tree } from "./tree.js";

/**
 * NumPy's values, as far as training checkpoints hold them: a best score as `numpy.float64`, a random generator's state as a small array.
 * Scalars become plain values, arrays become tensors; there is no NumPy behind this, and nothing of it runs.
 */

/** A number of NumPy's, by the letter and width its dtype has: how its little-endian bytes become a value, and as which tensor it lives on. */
interface Kind {
  readonly bytes: number;
  /** The tensor's dtype; NumPy's unsigned numbers take the next wider signed one. */
  readonly stored: StoredDtype | undefined;
  read(view: DataView, at: number): number | bigint | boolean;
}

const KINDS: Readonly<Record<string, Kind>> = {
  b1: { bytes: 1, stored: "bool", read: (view, at) => view.getUint8(at) !== 0 },
  i1: { bytes: 1, stored: "int8", read: (view, at) => view.getInt8(at) },
  i2: { bytes: 2, stored: "int16", read: (view, at) => view.getInt16(at, true) },
  i4: { bytes: 4, stored: "int32", read: (view, at) => view.getInt32(at, true) },
  i8: { bytes: 8, stored: "int64", read: (view, at) => plain(view.getBigInt64(at, true)) },
  u1: { bytes: 1, stored: "uint8", read: (view, at) => view.getUint8(at) },
  u2: { bytes: 2, stored: "int32", read: (view, at) => view.getUint16(at, true) },
  u4: { bytes: 4, stored: "int64", read: (view, at) => view.getUint32(at, true) },
  u8: { bytes: 8, stored: undefined, read: (view, at) => plain(view.getBigUint64(at, true)) },
  f2: { bytes: 2, stored: "float16", read: (view, at) => float16(view.getUint16(at, true)) },
  f4: { bytes: 4, stored: "float32", read: (view, at) => view.getFloat32(at, true) },
  f8: { bytes: 8, stored: "float64", read: (view, at) => view.getFloat64(at, true) },
};

function plain(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

function float16(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits >> 15 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** `numpy.dtype("f8", False, True)`, completed by a state that names its byte order. */
export class NumpyDtype {
  readonly name: string;
  readonly kind: Kind;

  constructor(name: unknown, what: string) {
    const kind = typeof name === "string" && Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
    if (kind === undefined || typeof name !== "string") {
      throw refused(what, `numpy.dtype ${JSON.stringify(name) ?? "without a name"}`, Object.keys(KINDS).join(", "));
    }
    this.name = name;
    this.kind = kind;
  }

  /** (version, byte order, subdtype, names, fields, size, alignment, flags) */
  setState(state: readonly unknown[], what: string): void {
    const [, order, ...rest] = state;
    if (!["<", "|", "="].includes(order as string)) {
      throw refused(what, `numpy.dtype "${this.name}" of byte order ${JSON.stringify(order)}`, "little-endian ones");
    }
    if (rest.slice(0, 3).some((part) => part !== null)) throw refused(what, "a numpy.dtype of parts", "plain numbers");
  }
}

/** `numpy.core.multiarray.scalar(dtype, bytes)` */
export function numpyScalar(args: readonly unknown[], what: string): number | bigint | boolean {
  const [dtype, bytes] = args;
  if (!(dtype instanceof NumpyDtype) || !(bytes instanceof Uint8Array) || bytes.length !== dtype.kind.bytes) {
    throw refused(what, "a NumPy scalar of something but its dtype and bytes", "(dtype, bytes)");
  }
  return dtype.kind.read(viewOf(bytes), 0);
}

/** `numpy.core.multiarray._reconstruct(numpy.ndarray, (0,), b"b")`, empty until a state fills it. Becomes a tensor when the pickle is read. */
export class NumpyArray {
  readonly #what: string;
  #record: TensorRecord | undefined;

  constructor(what: string) {
    this.#what = what;
  }

  /** (version, shape, dtype, is in column order, bytes) */
  setState(state: readonly unknown[]): void {
    const what = this.#what;
    const [, shape, dtype, columnOrder, bytes] = state;
    if (!Array.isArray(shape) || !(dtype instanceof NumpyDtype) || !(bytes instanceof Uint8Array)) {
      throw refused(what, "a NumPy array without shape, dtype and bytes", "an array of numbers");
    }
    const { kind } = dtype;
    const numel = elementCount(shape, what);
    if (numel * kind.bytes !== bytes.length) {
      throw refused(
        what,
        `a NumPy array with ${bytes.length} bytes`,
        `${numel * kind.bytes} for [${shape.join(", ")}]`,
      );
    }
    if (kind.stored === undefined) throw refused(what, `a NumPy array of ${dtype.name}`, "a dtype that tensors have");
    const stored = kind.stored;
    const kept = elementBytes(stored) === kind.bytes ? bytes : widened(bytes, kind, elementBytes(stored));
    const stride = columnOrder === true ? contiguousStride([...shape].reverse()).reverse() : contiguousStride(shape);
    const storage = { dtype: stored, byteLength: kept.length, chunks: () => [kept] };
    this.#record = new TensorRecord({ dtype: stored, shape: [...shape], stride, storage }, what);
  }

  /** 0 until a state filled it. */
  get byteLength(): number {
    return this.#record?.storage.byteLength ?? 0;
  }

  get tensor(): TensorRecord {
    if (this.#record === undefined) throw refused(this.#what, "a NumPy array that was never filled", "its numbers");
    return this.#record;
  }
}

/** The tree with a tensor in the place of each array. */
export function arraysAsTensors(tree: unknown): Tree {
  const isArray = (value: unknown): value is NumpyArray => value instanceof NumpyArray;
  return mapLeaves(tree as Tree<never>, isArray, (array) => array.tensor) as Tree;
}

/** Unsigned numbers of 2 or 4 bytes as signed ones of 4 or 8. */
function widened(bytes: Uint8Array, kind: Kind, width: number): Uint8Array {
  const wide = new Uint8Array((bytes.length / kind.bytes) * width);
  for (let i = 0; i * kind.bytes < bytes.length; i++)
    wide.set(bytes.subarray(i * kind.bytes, (i + 1) * kind.bytes), i * width);
  return wide;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function refused(what: string, found: string, expected: string): Problem {
  return new Problem({ what, found, expected, todo: "Save it in Python as a tensor or a plain number instead." });
}
