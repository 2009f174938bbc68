/** The element types a checkpoint may hold here, with every name the two file formats give them. */
const TABLE = {
  float64: { bytes: 8, storage: "DoubleStorage", safetensors: "F64" },
  float32: { bytes: 4, storage: "FloatStorage", safetensors: "F32" },
  float16: { bytes: 2, storage: "HalfStorage", safetensors: "F16" },
  bfloat16: { bytes: 2, storage: "BFloat16Storage", safetensors: "BF16" },
  int64: { bytes: 8, storage: "LongStorage", safetensors: "I64" },
  int32: { bytes: 4, storage: "IntStorage", safetensors: "I32" },
  int16: { bytes: 2, storage: "ShortStorage", safetensors: "I16" },
  int8: { bytes: 1, storage: "CharStorage", safetensors: "I8" },
  uint8: { bytes: 1, storage: "ByteStorage", safetensors: "U8" },
  bool: { bytes: 1, storage: "BoolStorage", safetensors: "BOOL" },
} as const;

/** Element type of a stored tensor, by PyTorch's name without its `torch.`. */
export type StoredDtype = keyof typeof TABLE;

export const STORED_DTYPES = Object.keys(TABLE) as readonly StoredDtype[];

/** Bytes of one element. */
export function elementBytes(dtype: StoredDtype): number {
  return TABLE[dtype].bytes;
}

/** `torch`'s storage class of this element type, as pickles name it: `FloatStorage`. */
export function storageClass(dtype: StoredDtype): string {
  return TABLE[dtype].storage;
}

/** The safetensors name: `F32`. */
export function safetensorsDtype(dtype: StoredDtype): string {
  return TABLE[dtype].safetensors;
}

const BY_STORAGE = new Map<string, StoredDtype>(STORED_DTYPES.map((dtype) => [TABLE[dtype].storage, dtype]));
const BY_SAFETENSORS = new Map<string, StoredDtype>(STORED_DTYPES.map((dtype) => [TABLE[dtype].safetensors, dtype]));

export function dtypeOfStorageClass(name: string): StoredDtype | undefined {
  return BY_STORAGE.get(name);
}

export function dtypeOfSafetensors(name: string): StoredDtype | undefined {
  return BY_SAFETENSORS.get(name);
}

export function isStoredDtype(name: string): name is StoredDtype {
  return Object.hasOwn(TABLE, name);
}
