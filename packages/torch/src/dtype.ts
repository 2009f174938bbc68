/** Element types, by PyTorch's names. */
export type Dtype =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint8"
  | "bool"
  | "complex64"
  | "complex128";

export type TypedArray =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint16Array;

type ArrayConstructor = {
  new (length: number): TypedArray;
  new (buffer: ArrayBuffer, offset?: number, length?: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
};

/** The typed array that shows a dtype's elements; 16-bit floats and complex numbers have none and show their bits. */
const arrays: Record<Dtype, ArrayConstructor> = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  complex64: Float32Array,
  complex128: Float64Array,
};

export function arrayFor(dtype: Dtype): ArrayConstructor {
  return arrays[dtype];
}

/** The dtype whose elements a typed array holds. */
export function dtypeOf(array: TypedArray): Dtype {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Float64Array) return "float64";
  if (array instanceof BigInt64Array) return "int64";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof Int16Array) return "int16";
  if (array instanceof Int8Array) return "int8";
  if (array instanceof Uint8Array) return "uint8";
  throw new TypeError(`a ${(array as object).constructor.name} has no dtype of its own: name one`);
}

export function isFloating(dtype: Dtype): boolean {
  return dtype.startsWith("float") || dtype === "bfloat16";
}
