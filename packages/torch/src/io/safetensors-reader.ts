import { Problem } from "../problem.js";
import { type ByteSource, chunksOf } from "./byte-source.js";
import { MAX_SAFETENSORS_HEADER } from "./content.js";
import { dtypeOfSafetensors, elementBytes, STORED_DTYPES, safetensorsDtype } from "./dtypes.js";
import { JsonReader } from "./json-reader.js";
import { elementCount, MAX_RANK, TensorRecord } from "./tensor-record.js";

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
 * The header of a safetensors file, checked as the format asks: no duplicate names, every tensor as long as its shape says, one behind the
 * other without overlap, gap or rest; at most 16 MB, where the format allows 100. Reads no weights: they lie at `record.storage.byteOffset`.
 * Format: https://github.com/huggingface/safetensors#format
 */
export function readSafetensors(source: ByteSource): SafetensorsFile {
  const length = readHeaderLength(source);
  const reader = new JsonReader(source.read(8, length), `${source.label}, header`);
  const tensors = new Map<string, TensorRecord>();
  const metadata = new Map<string, string>();
  const spans: Span[] = [];
  if (reader.kind !== "object") {
    const found = reader.kind === "nothing" ? "text that is no JSON" : "a header that is no JSON object";
    throw new Problem({ what: source.label, found, expected: "names and tensors" });
  }
  reader.object((name) => {
    if (name === "__metadata__") return readMetadata(source, reader, metadata);
    const { record, span } = readTensor(source, reader, name, 8 + length);
    tensors.set(name, record);
    spans.push(span);
  });
  reader.end();
  checkSpans(source, spans, source.size - 8 - length);
  return { tensors, metadata };
}

function readHeaderLength(source: ByteSource): number {
  const what = source.label;
  if (source.size < 10) throw new Problem({ what, found: `${source.size} bytes`, expected: "a safetensors file" });
  const size = Buffer.from(source.read(0, 8)).readBigUInt64LE();
  if (size > MAX_SAFETENSORS_HEADER) {
    throw new Problem({ what, found: `a header of ${size} bytes`, expected: `at most ${MAX_SAFETENSORS_HEADER}` });
  }
  const length = Number(size);
  if (8 + length <= source.size) return length;
  throw new Problem({
    what,
    found: `${source.size} bytes with a header of ${length}`,
    expected: "a whole file",
    todo: "The file is cut short; fetch or write it again.",
  });
}

function readMetadata(source: ByteSource, reader: JsonReader, metadata: Map<string, string>): void {
  const refuse = (key: string): never => {
    throw new Problem({
      what: source.label,
      found: `metadata ${shown(key)} that is no text`,
      expected: "text for each key",
    });
  };
  if (reader.kind !== "object") refuse("");
  reader.object((key) => {
    const value = reader.anything();
    metadata.set(key, typeof value === "string" ? value : refuse(key));
  });
}

/** The fields of one tensor as they stand there; what is not of the kind the format asks for is undefined. */
interface Fields {
  dtype?: string | undefined;
  shape?: number[] | undefined;
  data_offsets?: number[] | undefined;
}

function readFields(reader: JsonReader, what: string): Fields {
  const fields: Fields = {};
  if (reader.kind !== "object") {
    reader.anything();
    return fields;
  }
  reader.object((key) => {
    if (key === "dtype") fields.dtype = reader.kind === "string" ? reader.string() : refuseField(what, "dtype");
    else if (key === "shape" || key === "data_offsets") fields[key] = readNumbers(reader, what);
    else refuseField(what, key);
  });
  return fields;
}

function refuseField(what: string, key: string): never {
  throw new Problem({ what, found: `the field ${shown(key)}`, expected: "dtype, shape and data_offsets" });
}

/** An array of numbers, no longer than any shape; undefined for anything but an array. */
function readNumbers(reader: JsonReader, what: string): number[] | undefined {
  if (reader.kind !== "array") {
    reader.anything();
    return undefined;
  }
  const numbers: number[] = [];
  reader.array(() => {
    if (reader.kind !== "number")
      throw new Problem({ what, found: "an item of shape or data_offsets that is no number", expected: "numbers" });
    numbers.push(reader.number());
    if (numbers.length > MAX_RANK)
      throw new Problem({ what, found: `more than ${MAX_RANK} dimensions`, expected: `at most ${MAX_RANK}` });
  });
  return numbers;
}

function readTensor(source: ByteSource, reader: JsonReader, name: string, dataAt: number) {
  const what = `${source.label}, tensor ${shown(name)}`;
  const { dtype: dtypeName, shape, data_offsets: offsets } = readFields(reader, what);
  const dtype = dtypeName === undefined ? undefined : dtypeOfSafetensors(dtypeName);
  if (dtype === undefined) {
    const expected = `one of ${STORED_DTYPES.map(safetensorsDtype).join(", ")}`;
    throw new Problem({ what, found: dtypeName === undefined ? "no dtype" : `dtype ${shown(dtypeName)}`, expected });
  }
  const [start, end] = offsets ?? [];
  if (shape === undefined || start === undefined || end === undefined || offsets?.length !== 2) {
    throw new Problem({ what, found: "a record without shape and two data_offsets", expected: "both" });
  }
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
        what: `${source.label}, tensor ${shown(span.name)}`,
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

/** A name of the file's for an error, short whatever it is. */
function shown(name: string): string {
  return JSON.stringify(name.length <= 200 ? name : `${name.slice(0, 200)}…`);
}

function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
