import assert from "node:assert/strict";
import { test } from "node:test";
import { MemorySource } from "../src/io/byte-source.js";
import { recogniseFormat } from "../src/io/content.js";
import type { TensorRecord } from "../src/io/tensor-record.js";
import { readTorchArchive } from "../src/io/torch-archive-reader.js";
import { MAX_DEPTH, type Tree } from "../src/io/tree.js";
import { Problem } from "../src/problem.js";
import { archiveOf, floats, zipOf } from "./io-helpers.js";

/** The refusal of a `data.pkl` in protocol 2 with this body, written in latin1. */
function refusalOf(body: string, storage = "\0".repeat(24)): string {
  return messageOf(zipOf({ "x/data.pkl": `\x80\x02${body}.`, "x/data/0": storage, "x/version": "3\n" }));
}

function messageOf(archive: Uint8Array): string {
  try {
    readTorchArchive(new MemorySource(archive, 'checkpoint "x.pth"'));
  } catch (error) {
    assert.ok(error instanceof Problem, `not a Problem: ${(error as Error).stack}`);
    return error.message;
  }
  return assert.fail("it was read");
}

const text = (value: string) => `X${String.fromCharCode(value.length)}\0\0\0${value}`;
const persistentId = (numel: string, storage = "FloatStorage") =>
  `(${text("storage")}ctorch\n${storage}\n${text("0")}${text("cpu")}${numel}tQ`;
const tensor = (numel: string, offset: string, shape: string, stride: string) =>
  `ctorch._utils\n_rebuild_tensor_v2\n(${persistentId(numel)}${offset}${shape}${stride}\x89ccollections\nOrderedDict\n)RtR`;

test("a pickle that asks for anything else is refused by that name", () => {
  const attacks: Record<string, string> = {
    "posix.system": `cposix\nsystem\n${text("id")}\x85R`,
    "os.system": `}${text("w")}cos\nsystem\n${text("id")}\x85Rs`,
    "builtins.eval": `\x8c\x08builtins\x8c\x04eval\x93${text("1")}\x85R`, // STACK_GLOBAL
    "builtins.getattr": `cbuiltins\ngetattr\n`,
    "torch.load": `ctorch\nload\n${text("inner.pth")}\x85R`,
    "torch.serialization.load": `ctorch.serialization\nload\n`,
    "torch.hub.load": `ctorch\nhub.load\n`,
    "numpy.core.multiarray.fromstring": `cnumpy.core.multiarray\nfromstring\n`,
    "nt.system": `(${text("id")}ios\n`.replace("ios", "int\nsystem"), // INST
    "subprocess.Popen": `(csubprocess\nPopen\n${text("id")}o`, // OBJ
    "commands.getoutput": `}q\0(${text("a")}ccommands\ngetoutput\nu`,
    "torch._utils._rebuild_from_type": `ctorch._utils\n_rebuild_from_type\n`,
    "__main__.Config": `c__main__\nConfig\n)\x81`,
    "collections.OrderedDict.__class__": `ccollections\nOrderedDict.__class__\n`,
    "torch.constructor": `ctorch\nconstructor\n`,
    "torch.__proto__": `ctorch\n__proto__\n`,
  };
  for (const [name, body] of Object.entries(attacks)) {
    assert.equal(
      refusalOf(body),
      `checkpoint "x.pth", entry "x/data.pkl": found a pickle that asks for "${name}", expected tensors and plain containers only. ` +
        "Nothing of it was run. If you trust the file, open it in Python and save its state dict alone: " +
        'torch.save(model.state_dict(), "weights.pth").',
    );
  }
});

test("the helper makes a tensor that is read", () => {
  const body = tensor("K\x06", "K\x00", "K\x02K\x03\x86", "K\x03K\x01\x86");
  const archive = zipOf({ "x/data.pkl": `\x80\x02${body}.`, "x/data/0": "\0".repeat(24) });
  assert.deepEqual((readTorchArchive(new MemorySource(archive)) as TensorRecord).shape, [2, 3]);
});

test("a tensor may not reach outside its storage", () => {
  const two = "K\x02K\x03\x86";
  const cases: [RegExp, string][] = [
    [/shape \[2, 3\], stride \[3, 1\], offset 1 on a storage of 6/, tensor("K\x06", "K\x01", two, "K\x03K\x01\x86")],
    [/stride \[4, 1\]/, tensor("K\x06", "K\x00", two, "K\x04K\x01\x86")],
    [/offset or stride -1/, tensor("K\x06", "J\xff\xff\xff\xff", two, "K\x03K\x01\x86")],
    [/offset or stride -1/, tensor("K\x06", "K\x01", two, "J\xff\xff\xff\xffK\x01\x86")],
    [/dimension of size -1/, tensor("K\x06", "K\x00", "J\xff\xff\xff\xffK\x01\x86", "K\x03K\x01\x86")],
    [/1 strides for 2/, tensor("K\x06", "K\x00", two, "K\x03\x85")],
    [
      /fewer than 2\^53/,
      tensor("K\x06", "K\x00", "J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87", "K\x00K\x00K\x00\x87"),
    ],
    [
      /dimension of size 36893488147419103232/,
      tensor("K\x06", "K\x00", `\x8a\x09${"\0".repeat(8)}\x02\x85`, "K\x01\x85"),
    ],
    [/storage "0" with 24 bytes, expected 28 bytes/, tensor("K\x07", "K\x00", two, "K\x03K\x01\x86")],
    [/storage "0" of -1 elements/, tensor("J\xff\xff\xff\xff", "K\x00", two, "K\x03K\x01\x86")],
  ];
  for (const [expected, body] of cases) assert.match(refusalOf(body), expected);
});

test("storages: missing, of two kinds, or standing alone", () => {
  const id = `(${text("storage")}ctorch\nFloatStorage\n${text("7")}${text("cpu")}K\x06tQ`;
  assert.match(refusalOf(id), /no entry for storage "7"/);
  assert.match(
    refusalOf(`${persistentId("K\x06")}${persistentId("K\x03", "DoubleStorage")}`),
    /both as 24 bytes of float32 and 24 of float64/,
  );
  assert.match(refusalOf(persistentId("K\x06")), /a bare storage as a value/);
  assert.match(refusalOf("ctorch\nFloatStorage\n"), /the class FloatStorage as a value/);
  assert.match(refusalOf(`ctorch\nFloatStorage\nK\x01\x85R`), /a call of the class FloatStorage/);
  assert.match(refusalOf(`(${text("module")}tQ`), /persistent id that is no storage/);
});

test("pickles that are broken, endless or too deep", () => {
  const cases: [RegExp, string][] = [
    [/takes more than it has made/, ""],
    [/takes more than it has made/, "a"],
    [/takes more than it has made/, "(a"],
    [/takes more than it has made/, "e"],
    [/memo 5 before it was made/, "h\x05"],
    [/a name without an end/, "i"],
    [/a call of the class collections.OrderedDict by its name/, "(icollections\nOrderedDict\n"],
    [/opcode 0x6f/, "(ccollections\nOrderedDict\no"],
    [/opcode 0x82/, "\x82\x01"],
    [/a new object of the class collections.OrderedDict/, "ccollections\nOrderedDict\n)\x81"],
    [/a state set on a tuple/, ")}b"],
    [/an end after/, "X\xff\xff\xff\x7f"],
    [/not UTF-8/, "X\x01\0\0\0\xff"],
    [/a name without an end/, `c${"a".repeat(5000)}`],
    [/holds itself/, "]q\0h\0a"],
    [/holds itself/, `}q\0${text("a")}h\0s`],
    [/nested deeper than 200/, `]${"\x85".repeat(MAX_DEPTH)}`],
    [/nested deeper than 200/, `]${"\x85".repeat(100_000)}`],
    [/a list as a dictionary's key/, "}]Ns"],
    [/an item added to a tuple/, ")Na"],
    [/a state set on a list/, "]}b"],
    [/whole number of 4096 bytes/, `\x8b\0\x10\0\0${"\x01".repeat(4096)}`],
    [/protocol 9/, "\x80\x09N"],
    // A list of 50 000 named 2 000 times inside torch.Size(…): 16 bytes each, 100 million values.
    [/containers without end/, `](${"N".repeat(50_000)}eq\0ctorch\nSize\nq\x01${"h\x01h\0\x85R".repeat(2000)}`],
  ];
  for (const [expected, body] of cases) assert.match(refusalOf(body), expected);
});

test("a container in many places is read once, as long as a walk over the tree comes to an end", () => {
  const doubled = (levels: number) => `]${"2\x86".repeat(levels)}`; // DUP, TUPLE2: 2^levels paths
  const source = new MemorySource(zipOf({ "x/data.pkl": `\x80\x02${doubled(20)}.` }));
  let tree = readTorchArchive(source) as Tree[];
  for (let level = 0; level < 20; level++) tree = tree[level % 2] as Tree[];
  assert.deepEqual(tree, []);
  assert.match(refusalOf(doubled(60)), /more than 10000000 values, most of them the same again/);
});

test("every damaged byte of the weights is noticed, and every cut", () => {
  const archive = archiveOf({ weight: floats([2, 3], [1, 2, 3, 4, 5, 6]) });
  const at = Buffer.from(archive).indexOf(Buffer.from(Float32Array.of(1, 2).buffer));
  for (let i = 0; i < 24; i++) {
    const damaged = archive.slice();
    damaged[at + i]! ^= 1;
    assert.match(
      messageOf(damaged),
      /found CRC-32 [0-9a-f]{8} over entry "archive\/data\/0", expected [0-9a-f]{8}\. The file is damaged/,
    );
  }
  for (let length = 4; length < archive.length; length += 7)
    assert.match(messageOf(archive.subarray(0, length)), /zip directory|cut short/);
});

test("compressed, overlapping, doubled and escaping entries are refused", () => {
  const archive = Buffer.from(zipOf({ "x/data.pkl": "\x80\x02N.", "x/data/0": "abcd" }));
  const central = archive.lastIndexOf(Buffer.from("PK\x01\x02")); // the record of x/data/0
  const patched = (offset: number, ...bytes: number[]) => {
    const copy = Buffer.from(archive);
    copy.set(bytes, central + offset);
    return messageOf(copy);
  };
  assert.match(patched(10, 8), /entry "x\/data\/0" compressed \(zip method 8\), expected stored entries/);
  assert.match(patched(8, 1), /entry "x\/data\/0" encrypted/);
  assert.match(patched(24, 5), /stored with two lengths/);
  assert.match(patched(20, 200, 0, 0, 0, 200), /reaching to byte|refers to/);
  assert.match(patched(42, 0), /under another name at its place/);
  // The bytes of x/data.pkl stretched over the header and into the bytes of x/data/0.
  const first = Buffer.from(archive);
  const record = first.indexOf(Buffer.from("PK\x01\x02"));
  const reach = first.indexOf(Buffer.from("abcd")) + 2 - first.indexOf(Buffer.from("\x80\x02N.", "latin1"));
  for (const at of [20, 24]) first.writeUInt32LE(reach, record + at);
  assert.match(messageOf(first), /entry "x\/data\/0" overlapping another/);
  assert.match(patched(46, 0x2f), /named "\/\/data\/0"/);
  assert.match(
    messageOf(zipOf({ "x/data.pkl": "\x80\x02N.", "x/../../etc/passwd": "" })),
    /named "x\/..\/..\/etc\/passwd"/,
  );
  assert.match(messageOf(zipOf({ "x/data.pkl": "\x80\x02N.", "x/data/0": "", "x\\y": "" })), /named "x\\\\y"/);
});

test("zips that are no checkpoint are told apart", () => {
  assert.match(
    messageOf(zipOf({ "word/document.xml": "", "a.txt": "" })),
    /a zip archive with "word\/document.xml", "a.txt", expected a PyTorch/,
  );
  assert.match(messageOf(zipOf({})), /a zip archive with nothing in it/);
  assert.match(messageOf(zipOf({ "x/data.pkl": "", "x/constants.pkl": "" })), /a TorchScript program/);
  assert.match(messageOf(zipOf({ "x/data.pkl": "", "y/data.pkl": "" })), /2 files data.pkl/);
  assert.match(
    messageOf(zipOf({ "x/data.pkl": "\x80\x02N.", "x/byteorder": "big" })),
    /byte order "big", expected "little"/,
  );
});

test("files that are no checkpoint are named in one sentence", () => {
  const formatOf = (bytes: string) =>
    recogniseFormat(new MemorySource(Buffer.from(bytes, "latin1"), 'checkpoint "sam.pth"'));
  const refused: [string, RegExp][] = [
    ["", /found an empty file/],
    ["version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", /a git-lfs pointer, .*git lfs pull/],
    ["\n<!DOCTYPE html><html>", /an HTML page, .*download it again/],
    ['<?xml version="1.0"?><Error>', /an XML document/],
    ['{"message": "Not Found"}', /JSON text/],
    ["\x80\x04\x95\x10\0\0\0\0\0\0\0}", /a bare pickle/],
    ["\x1f\x8b\x08\0", /gzip data/],
    [`${"a".repeat(257)}ustar`, /a tar archive/],
    ["\x89PNG\r\n", /a PNG picture/],
    ["\0".repeat(64), /nothing but zeros/],
    ["hello", /begins with the bytes 68 65 6c 6c 6f, expected a safetensors file or a PyTorch checkpoint/],
  ];
  for (const [bytes, expected] of refused)
    assert.throws(
      () => formatOf(bytes),
      (error) => error instanceof Problem && expected.test(error.message),
    );
  assert.equal(formatOf("PK\x03\x04"), "torch-zip");
  assert.equal(formatOf("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."), "torch-legacy");
  assert.equal(formatOf("\x02\0\0\0\0\0\0\0{}"), "safetensors");
});

test("what cannot be saved is refused by its place in the tree", () => {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const refused: [unknown, RegExp][] = [
    [{ optimizer: { state: [1, new Date(0)] } }, /key "optimizer.state\[1\]": found an object of class Date/],
    [{ step: () => 1 }, /key "step": found a value of type function/],
    [{ text: "\ud800" }, /key "text": found text with half a surrogate pair/],
    [{ deep: cyclic }, /nested deeper than 200, or one that holds itself/],
    [new Map([[{}, 1]]), /an object as a key/],
    [{ big: 1n << 3000n }, /a whole number of 376 bytes/],
  ];
  for (const [tree, expected] of refused) {
    assert.throws(
      () => archiveOf(tree as Tree),
      (error) => error instanceof Problem && expected.test(error.message),
    );
  }
});
