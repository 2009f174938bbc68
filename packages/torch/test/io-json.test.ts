import assert from "node:assert/strict";
import { test } from "node:test";
import { JsonReader } from "../src/io/json-reader.js";
import { decodeText } from "../src/io/short-text.js";
import { Problem } from "../src/problem.js";
import { anyBytes, anySwap, fuzz } from "./fuzz.js";

/** The value as `JSON.parse` would give it. */
function read(text: string | Uint8Array): unknown {
  const reader = new JsonReader(typeof text === "string" ? Buffer.from(text) : text, "text");
  const value = (): unknown => {
    if (reader.kind === "object") {
      const entries: [string, unknown][] = [];
      reader.object((key) => entries.push([key, value()]));
      return Object.fromEntries(entries);
    }
    if (reader.kind !== "array") return reader.anything();
    const items: unknown[] = [];
    reader.array(() => items.push(value()));
    return items;
  };
  const result = value();
  reader.end();
  return result;
}

test("what JSON.parse reads is read alike", () => {
  const texts = [
    '{"a": [1, -2.5, 1e3, 0, -0, 123456789012345680], "b": {}, "c": [], "d": null, "e": true, "f": false}',
    ' \n\t{"escapes \\" \\\\ \\u0041\\ud83d\\ude00\\n" : "Straße €😀" }\r\n',
    '"x"',
    "[[[[]]]]",
    `"${"long ".repeat(100)}€"`,
    '{"__proto__": 1, "constructor": {"prototype": 2}}',
  ];
  for (const text of texts) assert.deepEqual(read(text), JSON.parse(text), text);
});

test("what JSON.parse refuses is refused", () => {
  const texts = [
    "",
    " ",
    "{",
    "}",
    "[1",
    "[1,]",
    "[,1]",
    "{1:2}",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{"a" 1}',
    "01",
    "1.",
    ".5",
    "+1",
    "-",
    "1e",
    "0x1",
  ];
  const more = [
    "nul",
    "True",
    "NaN",
    "Infinity",
    "1 2",
    '"a',
    '"\\x"',
    '"\\u12"',
    '"\n"',
    "'a'",
    "[1}",
    '{"a":1]',
    "\u00a0 1",
    "1-2",
    "--1",
  ];
  for (const text of [...texts, ...more]) {
    assert.throws(() => JSON.parse(text), SyntaxError, text);
    assert.throws(
      () => read(text),
      (error) => error instanceof Problem && /^text: found text that is no JSON/.test(error.message),
      text,
    );
  }
});

test("what JSON.parse lets pass is refused: a key twice, deep nesting, bytes that are no UTF-8", () => {
  assert.throws(() => read('{"a": 1, "\\u0061": 2}'), /the name "a" twice/);
  assert.deepEqual(read('[{"a": 1}, {"a": 2}]'), [{ a: 1 }, { a: 2 }]);
  assert.throws(() => read("[[[[[]]]]]"), /nested deeper than four/);
  assert.throws(() => read(Uint8Array.of(0x22, 0xff, 0x22)), /no UTF-8/);
  assert.throws(() => read(Uint8Array.of(0x22, 0xc3, 0x22)), /no UTF-8/);
});

test("short text decodes as the decoder does, and refuses as it does", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (const text of [
    "",
    "a",
    "weight",
    "\u007f",
    "é",
    "a€",
    "😀",
    "\ufeffa",
    "x".repeat(99),
    "x".repeat(101),
    `${"x".repeat(99)}é`,
  ])
    assert.equal(decodeText(Buffer.from(text)), decoder.decode(Buffer.from(text)));
  for (const bytes of [[0x80], [0x61, 0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]])
    assert.throws(() => decodeText(Uint8Array.from(bytes)), TypeError);
});

test("mutated JSON reads as JSON.parse reads it, or not at all", (t) => {
  const original = Buffer.from(
    '{"__metadata__": {"a\\n": "€"}, "w": {"dtype": "F32", "shape": [2, -3.5e1], "data_offsets": [0, true, null]}}',
  );
  let readable = 0;
  fuzz(t, original, 10_000, [anyBytes, anySwap], (bytes) => {
    const value = read(bytes);
    assert.deepEqual(value, JSON.parse(Buffer.from(bytes).toString("utf8")));
    readable++;
  });
  assert.ok(readable > 100, `${readable} readable`);
});
