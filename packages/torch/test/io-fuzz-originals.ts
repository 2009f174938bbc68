import { MemorySink } from "../src/io/byte-sink.js";
import { elementBytes, STORED_DTYPES } from "../src/io/dtypes.js";
import { planSafetensors } from "../src/io/safetensors-writer.js";
import { TensorRecord } from "../src/io/tensor-record.js";
import type { Tree } from "../src/io/tree.js";
import { anyBytes, anyField, anyPickledNumber, anySwap, type Mutation, oneOf } from "./fuzz.js";
import { archiveOf, floats, legacyOf, memoryStorage, pickled, zipOf } from "./io-helpers.js";

/** A good file of each format, small enough to be read ten thousand times, and the ways to damage it. */
export interface Original {
  readonly file: Uint8Array;
  readonly mutations: readonly Mutation[];
}

const ramp = Uint8Array.from({ length: 48 }, (_, i) => (i * 37 + 1) & 0x7f);

/** A tensor of each dtype and of each kind of shape. */
function records(): Map<string, TensorRecord> {
  const made = STORED_DTYPES.map((dtype) => {
    const storage = memoryStorage(dtype, ramp.subarray(0, 6 * elementBytes(dtype)));
    return [dtype as string, new TensorRecord({ dtype, shape: [2, 3], storage })] as const;
  });
  return new Map([...made, ["scalar", floats([], [1.5])], ["empty", floats([0, 3], [])]]);
}

export function safetensorsOriginal(): Original {
  const sink = new MemorySink();
  planSafetensors(records(), { format: "pt" }).write(sink);
  return { file: sink.bytes().slice(), mutations: [anyBytes, anySwap, anyHeaderNumber, anyHeaderNumber] };
}

/** A number of the header becomes another, and the header's length is mended, so that what it says is looked at. */
const anyHeaderNumber: Mutation = (original, below) => {
  const bytes = Buffer.from(original);
  const length = Number(bytes.readBigUInt64LE());
  let header = bytes.toString("latin1", 8, 8 + length);
  const extremes = [
    "0",
    "1",
    "-1",
    "2",
    "3",
    "6",
    "8",
    "24",
    "48",
    String(below(300)),
    "4294967296",
    "9007199254740992",
    "9223372036854775808",
    "1e308",
    "1e999",
    "0.5",
    "[]",
    '""',
    "null",
  ];
  for (let change = below(3); change >= 0; change--) {
    const places = [...header.matchAll(/\d+(?=[,\]])/g)];
    if (places.length === 0) break;
    const { index, 0: digits } = oneOf(places, below);
    header = header.slice(0, index) + oneOf(extremes, below) + header.slice(index + digits.length);
  }
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([head, Buffer.from(header, "latin1"), bytes.subarray(8 + length)]);
};

export function archiveOriginal(): Original {
  const shared = floats(
    [4, 6],
    Array.from({ length: 24 }, (_, i) => i),
  ).storage;
  const view = (shape: number[], stride: number[], offset: number) =>
    new TensorRecord({ dtype: "float32", shape, stride, offset, storage: shared });
  const tree: Tree = new Map<string, Tree>([
    ["model", records()],
    ["views", [view([6, 4], [1, 6], 0), view([2, 3], [6, 2], 6)]],
    ["epoch", 3],
    ["lr", 0.5],
    ["names", ["a", null, true]],
  ]);
  const file = archiveOf(tree);
  const fields = anyField(["PK\x01\x02", "PK\x03\x04", "PK\x05\x06"], 46);
  return { file, mutations: [anyBytes, anySwap, fields, fields] };
}

const bytesOf = (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);

/** The pickle of a few tensors, views among them, and of plain values; without PROTO and STOP. */
function body(view: string): string {
  const { text, int, list, tensor, storage } = pickled;
  const six = storage("0", int(6), { view });
  const flags = storage("1", int(3), { type: "BoolStorage", view });
  const part = view === "" ? six : storage("0", int(6), { view: pickled.tuple(text("9"), int(1), int(4)) });
  const tensors = list(
    tensor(six, [2, 3], [3, 1]),
    tensor(six, [3, 2], [1, 3]),
    tensor(part, [2], [2], 1),
    tensor(flags, [3], [1]),
  );
  return `}(${text("w")}${tensors}${text("n")}${list(int(3), "K\x05", "M\x01\x02", "N", text("x"))}u`;
}

const pickleMutations = [anyBytes, anySwap, anyPickledNumber, anyPickledNumber];

export function legacyOriginal(): Original {
  const storages = [["0", 6n, bytesOf([1, 2, 3, 4, 5, 6])] as const, ["1", 3n, Uint8Array.of(1, 0, 1)] as const];
  return { file: legacyOf({ body: body("N"), storages }), mutations: pickleMutations };
}

/** The pickle alone, of which `archiveAround` makes an archive with the right checksums. */
export function pickleOriginal(): Original {
  return { file: Buffer.from(pickled.whole(body("")), "latin1"), mutations: pickleMutations };
}

export function archiveAround(pickle: Uint8Array): Uint8Array {
  return zipOf({ "x/data.pkl": pickle, "x/data/0": bytesOf([1, 2, 3, 4, 5, 6]), "x/data/1": Uint8Array.of(1, 0, 1) });
}
