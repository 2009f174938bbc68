import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { Problem } from "../src/problem.js";

/** `ADSAM_FUZZ=100` fuzzes a hundred times as long, with other mutations in each round. */
const ROUNDS = Math.max(1, Math.floor(Number(process.env.ADSAM_FUZZ ?? 1) || 1));

/** Whole numbers below `bound`. */
export type Random = (bound: number) => number;

/** A small deterministic generator (mulberry32). */
export function random(seed: number): Random {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) % bound;
  };
}

export function oneOf<T>(items: readonly T[], below: Random): T {
  return items[below(items.length)]!;
}

/** Makes a damaged file from a good one. */
export type Mutation = (original: Uint8Array, below: Random) => Uint8Array;

const EXTREMES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

/** One to four changes: bytes set, runs cut, doubled or zeroed, the end cut off. */
export function anyBytes(original: Uint8Array, below: Random): Uint8Array {
  let bytes: Buffer = Buffer.from(original);
  for (let change = below(4); change >= 0 && bytes.length > 0; change--) {
    const at = below(bytes.length);
    const end = Math.min(bytes.length, at + 1 + below(16));
    const kinds = [
      () => bytes.writeUInt8(below(256), at),
      () => bytes.writeUInt8(bytes[at]! ^ (1 << below(8)), at),
      () => bytes.writeUInt8(oneOf(EXTREMES, below), at),
      () => bytes.fill(oneOf(EXTREMES, below), at, end),
      () => (bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])),
      () => (bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])),
      () => (bytes = bytes.subarray(0, at)),
    ];
    oneOf(kinds, below)();
  }
  return bytes;
}

const WIDE = [
  0n,
  1n,
  2n,
  3n,
  7n,
  24n,
  255n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** A number where files have lengths and positions: an extreme one, or one near the file's length. */
function wideNumber(length: number, below: Random): bigint {
  return below(3) === 0 ? BigInt(below(length + 64)) : oneOf(WIDE, below);
}

/** A two-, four- or eight-byte little-endian number somewhere behind one of the signatures is set. */
export function anyField(signatures: readonly string[], reach: number): Mutation {
  return (original, below) => {
    const bytes = Buffer.from(original);
    const signature = oneOf(signatures, below);
    const places: number[] = [];
    for (let at = bytes.indexOf(signature, 0, "latin1"); at >= 0; at = bytes.indexOf(signature, at + 1, "latin1"))
      places.push(at);
    const at = oneOf(places, below) + signature.length + below(reach);
    const width = oneOf([2, 4, 8], below);
    if (at + width > bytes.length) return bytes;
    const value = Buffer.alloc(8);
    value.writeBigUInt64LE(wideNumber(bytes.length, below));
    value.copy(bytes, at, 0, width);
    return bytes;
  };
}

/** A small number of a pickle (BININT1, BININT2, BININT) becomes another: a LONG1 of eight bytes, a negative, a float, a text, None. */
export function anyPickledNumber(original: Uint8Array, below: Random): Uint8Array {
  const bytes = Buffer.from(original);
  const widths = new Map([
    [0x4b, 2],
    [0x4d, 3],
    [0x4a, 5],
  ]);
  const places = [...bytes.keys()].filter((at) => widths.has(bytes[at]!));
  if (places.length === 0) return anyBytes(original, below);
  const at = oneOf(places, below);
  const long = Buffer.alloc(10, "\x8a\x08", "latin1");
  long.writeBigUInt64LE(wideNumber(bytes.length, below), 2);
  const double = Buffer.alloc(9, "G");
  double.writeDoubleBE(oneOf([0.5, -1, 1e300, Number.NaN, Number.POSITIVE_INFINITY], below), 1);
  const others = [
    long,
    long,
    double,
    Buffer.from([0x4b, below(256)]),
    Buffer.from([0x4b, below(8)]),
    Buffer.from("J\xff\xff\xff\xff", "latin1"),
    Buffer.from("N"),
    Buffer.from("X\0\0\0\0"),
  ];
  return Buffer.concat([bytes.subarray(0, at), oneOf(others, below), bytes.subarray(at + widths.get(bytes[at]!)!)]);
}

/** Two runs of a file change places, or one takes the other's. */
export function anySwap(original: Uint8Array, below: Random): Uint8Array {
  const bytes = Buffer.from(original);
  const length = 1 + below(24);
  const from = below(Math.max(1, bytes.length - length));
  const to = below(Math.max(1, bytes.length - length));
  const moved = Buffer.from(bytes.subarray(from, from + length));
  if (below(2) === 0) bytes.copyWithin(from, to, to + length);
  moved.copy(bytes, to);
  return bytes;
}

export interface FuzzResult {
  readonly readable: number;
  readonly refused: number;
}

/**
 * Reads `times` mutations of a file; each must be read or refused with a Problem, in a bounded time. Reports how many, how long, and the
 * slowest one.
 */
export function fuzz(
  t: TestContext,
  original: Uint8Array,
  times: number,
  mutations: readonly Mutation[],
  read: (bytes: Uint8Array) => void,
): FuzzResult {
  const below = random(20251);
  let refused = 0;
  let slowest = 0;
  const start = performance.now();
  const total = times * ROUNDS;
  for (let i = 0; i < total; i++) {
    const bytes = oneOf(mutations, below)(original, below);
    const begin = performance.now();
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof Problem))
        assert.fail(`mutation ${i} threw ${(error as Error).stack}\n${Buffer.from(bytes).toString("base64")}`);
      refused++;
    }
    slowest = Math.max(slowest, performance.now() - begin);
  }
  const seconds = (performance.now() - start) / 1000;
  t.diagnostic(
    `${total} mutated files in ${seconds.toFixed(1)} s, ${refused} refused, slowest ${slowest.toFixed(0)} ms`,
  );
  assert.ok(slowest < 10_000, `one took ${slowest} ms`);
  return { readable: total - refused, refused };
}
