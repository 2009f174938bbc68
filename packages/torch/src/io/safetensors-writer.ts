import { Problem } from "../problem.js";
import type { ByteSink } from "./byte-sink.js";
import { MAX_SAFETENSORS_HEADER } from "./content.js";
import { elementBytes, safetensorsDtype } from "./dtypes.js";
import type { TensorRecord } from "./tensor-record.js";

export interface PlannedSafetensors {
  /** Bytes the file will take, exactly. */
  readonly byteLength: number;
  write(sink: ByteSink): void;
}

/**
 * A safetensors file of the tensors, each of which must fill its storage in row-major order. The header names them in the order given; the
 * data stands with the widest elements first, so that each tensor is aligned to its element in a mapped file.
 * Format: https://github.com/huggingface/safetensors#format
 */
export function planSafetensors(
  tensors: ReadonlyMap<string, TensorRecord>,
  metadata: Readonly<Record<string, string>> = {},
): PlannedSafetensors {
  const inFile = [...tensors].sort(([, a], [, b]) => elementBytes(b.dtype) - elementBytes(a.dtype));
  const offsets = new Map<string, readonly [number, number]>();
  let end = 0;
  for (const [name, record] of inFile) {
    checkWhole(name, record);
    offsets.set(name, [end, end + record.storage.byteLength]);
    end += record.storage.byteLength;
  }
  const header = encodeHeader(tensors, offsets, metadata);
  return {
    byteLength: header.length + end,
    write(sink) {
      sink.write(header);
      for (const [, record] of inFile) for (const chunk of record.storage.chunks()) sink.write(chunk);
    },
  };
}

function checkWhole(name: string, record: TensorRecord): void {
  const what = `saving tensor "${name}" as safetensors`;
  if (name === "__metadata__")
    throw new Problem({ what, expected: "another name: the format keeps this one for itself" });
  if (
    !record.isContiguous ||
    record.offset !== 0 ||
    record.numel * elementBytes(record.dtype) !== record.storage.byteLength
  ) {
    throw new Problem({
      what,
      found: `a view with stride [${record.stride.join(", ")}]`,
      expected: "a contiguous tensor",
    });
  }
}

/** Eight bytes of length, then JSON padded with spaces so that the data begins at a multiple of 8. */
function encodeHeader(
  tensors: ReadonlyMap<string, TensorRecord>,
  offsets: ReadonlyMap<string, readonly [number, number]>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const fields: string[] = []; // joined by hand: as fields of an object, names like "7" would change their place
  if (Object.keys(metadata).length > 0) fields.push(`"__metadata__":${JSON.stringify(metadata)}`);
  for (const [name, { dtype, shape }] of tensors) {
    const info = { dtype: safetensorsDtype(dtype), shape, data_offsets: offsets.get(name) };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(info)}`);
  }
  const json = Buffer.from(`{${fields.join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_SAFETENSORS_HEADER) {
    throw new Problem({
      what: "saving safetensors",
      found: `a header of ${length} bytes`,
      expected: `at most ${MAX_SAFETENSORS_HEADER}`,
    });
  }
  const header = Buffer.alloc(8 + length, " ");
  header.writeBigUInt64LE(BigInt(length));
  json.copy(header, 8);
  return header;
}
