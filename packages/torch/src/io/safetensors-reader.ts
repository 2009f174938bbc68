import { Problem } from "../problem.js";
import { type ByteSource, chunksOf } from "./byte-source.js";
import { MAX_SAFETENSORS_HEADER } from "./content.js";
import { dtypeOfSafetensors, elementBytes, STORED_DTYPES, safetensorsDtype } from "./dtypes.js";
import { elementCount, TensorRecord } from "./tensor-record.js";
import { parseJsonWithUniqueKeys } from "./unique-json.js";

export interface SafetensorsFile {
  /** In the order of the file's header. */
  readonly tensors: Map<string, TensorRecord>;
  readonly metadata: Map<string, string>;
}

interface Span {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * The header of a safetensors file, checked as the format asks: at most 100 MB, no duplicate names, every tensor as long as its shape says,
 * one behind the other without overlap, gap or rest. Reads no weights: they lie at `record.storage.byteOffset`.
 * Format: https://github.com/huggingface/safetensors#format
 */
export function readSafetensors(source: ByteSource): SafetensorsFile {
  const { header, dataAt } = readHeader(source);
  const tensors = new Map<string, TensorRecord>();
  let metadata = new Map<string, string>();
  const spans: Span[] = [];
  for (const [name, info] of Object.entries(header)) {
    if (name === "__metadata__") {
      metadata = readMetadata(source, info);
      continue;
    }
    const { record, span } = readTensor(source, name, info, dataAt);
    tensors.set(name, record);
    spans.push(span);
  }
  checkSpans(source, spans, source.size - dataAt);
  return { tensors, metadata };
}

function readHeader(source: ByteSource): { header: Record<string, unknown>; dataAt: number } {
  const what = source.label;
  if (source.size < 10) throw new Problem({ what, found: `${source.size} bytes`, expected: "a safetensors file" });
  const size = Buffer.from(source.read(0, 8)).readBigUInt64LE();
  if (size > MAX_SAFETENSORS_HEADER) {
    throw new Problem({ what, found: `a header of ${size} bytes`, expected: `at most ${MAX_SAFETENSORS_HEADER}` });
  }
  const length = Number(size);
  if (8 + length > source.size) {
    const todo = "The file is cut short; fetch or write it again.";
    throw new Problem({
      what,
      found: `${source.size} bytes with a header of ${length}`,
      expected: "a whole file",
      todo,
    });
  }
  const header = parseJsonWithUniqueKeys(source.read(8, length), `${what}, header`);
  if (!isObject(header))
    throw new Problem({ what, found: "a header that is no JSON object", expected: "names and tensors" });
  return { header, dataAt: 8 + length };
}

function readMetadata(source: ByteSource, info: unknown): Map<string, string> {
  const metadata = new Map<string, string>();
  for (const [key, value] of isObject(info) ? Object.entries(info) : [["", info] as const]) {
    if (typeof value !== "string") {
      throw new Problem({
        what: source.label,
        found: `metadata "${key}" that is no text`,
        expected: "text for each key",
      });
    }
    metadata.set(key, value);
  }
  return metadata;
}

function readTensor(source: ByteSource, name: string, info: unknown, dataAt: number) {
  const what = `${source.label}, tensor ${JSON.stringify(name)}`;
  const { dtype: dtypeName, shape, data_offsets: offsets } = isObject(info) ? info : {};
  const dtype = typeof dtypeName === "string" ? dtypeOfSafetensors(dtypeName) : undefined;
  if (dtype === undefined) {
    const expected = `one of ${STORED_DTYPES.map(safetensorsDtype).join(", ")}`;
    throw new Problem({ what, found: `dtype ${JSON.stringify(dtypeName)}`, expected });
  }
  if (!Array.isArray(shape) || !Array.isArray(offsets) || offsets.length !== 2) {
    throw new Problem({ what, found: "a record without shape and two data_offsets", expected: "both" });
  }
  const [start, end] = offsets as [unknown, unknown];
  if (!isOffset(start) || !isOffset(end) || end < start || dataAt + end > source.size) {
    throw new Problem({
      what,
      found: `data_offsets ${JSON.stringify(offsets)}`,
      expected: `two numbers in order, at most ${source.size - dataAt}`,
      todo: "The file is cut short or damaged; fetch or write it again.",
    });
  }
  const byteLength = elementCount(shape, what) * elementBytes(dtype);
  if (byteLength !== end - start) {
    throw new Problem({
      what,
      found: `${end - start} bytes`,
      expected: `${byteLength} for ${dtype} [${shape.join(", ")}]`,
    });
  }
  const byteOffset = dataAt + start;
  const storage = { dtype, byteLength, source, byteOffset, chunks: () => chunksOf(source, byteOffset, byteLength) };
  return { record: new TensorRecord({ dtype, shape, storage }, what), span: { name, start, end } };
}

function checkSpans(source: ByteSource, spans: readonly Span[], dataLength: number): void {
  let end = 0;
  for (const span of [...spans].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (span.start !== end) {
      throw new Problem({
        what: `${source.label}, tensor ${JSON.stringify(span.name)}`,
        found:
          span.start < end
            ? "bytes that another tensor has as well"
            : `${span.start - end} bytes before it that no tensor has`,
        expected: "tensors one behind the other",
        todo: "The file is damaged or was made to mislead; fetch it again from a source you trust.",
      });
    }
    end = span.end;
  }
  if (end !== dataLength) {
    throw new Problem({
      what: source.label,
      found: `${dataLength - end} bytes after the last tensor`,
      expected: "none",
    });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOffset(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
