import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deflateRawSync } from "node:zlib";
import { openCheckpoint } from "../src/io/index.js";
import { MAX_PICKLE_BYTES } from "../src/io/pickle-bytes.js";
import { Problem } from "../src/problem.js";
import { fixture, legacyOf, pickled, temporaryFolder, zipOf } from "./io-helpers.js";

/** The acceptance is one second; two cores that others use as well get some slack. */
const SECONDS = 4;
/** Memory that refusing a file may take on top of what the process has, at its peak. */
const MEGABYTES = 80;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** The highest resident memory of this process since the last reset, in bytes; undefined where the system does not tell. */
function peakMemory(): number | undefined {
  const line = existsSync("/proc/self/status")
    ? /VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))
    : null;
  return line === null ? undefined : Number(line[1]) * 1024;
}

function resetPeak(): boolean {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
    return true;
  } catch {
    return false;
  }
}

/** The sentence that refuses the file; asserts that it comes fast and takes little memory. */
function refusal(t: TestContext, path: string, expected: RegExp): void {
  collect();
  const canMeasure = resetPeak();
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const cpu = process.cpuUsage();
  let message: string | undefined;
  try {
    openCheckpoint(path);
  } catch (error) {
    assert.ok(error instanceof Problem, `not a Problem: ${(error as Error).stack}`);
    message = error.message;
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const megabytes = canMeasure ? ((peakMemory() ?? before) - before) / 2 ** 20 : 0;
  assert.ok(message !== undefined, "it was read");
  t.diagnostic(
    `${seconds.toFixed(3)} s (${((user + system) / 1e6).toFixed(3)} of the processor), ${canMeasure ? `${megabytes.toFixed(0)} MB` : "memory not measured"}: ${message.slice(-150)}`,
  );
  assert.match(message, expected);
  assert.ok(message.length < 1000, `a message of ${message.length} characters`);
  assert.ok(seconds < SECONDS, `${seconds} s`);
  assert.ok(megabytes < MEGABYTES, `${megabytes} MB`);
}

function refuses(name: string, expected: RegExp, make: (folder: string) => Uint8Array | string): void {
  test(`refused: ${name}`, (t) => {
    const folder = temporaryFolder(t);
    const made = make(folder);
    if (typeof made !== "string") writeFileSync(join(folder, "x.pth"), made);
    refusal(t, typeof made === "string" ? made : join(folder, "x.pth"), expected);
  });
}

// The first refusal loads what all of them need.
test("a good file first", () => void openCheckpoint(fixture("torch-1.13.pth")));

/** A safetensors file with this header and data. */
function safetensors(header: string | Uint8Array, data = new Uint8Array(0), claimed?: bigint): Buffer {
  const bytes = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimed ?? BigInt(bytes.length));
  return Buffer.concat([length, bytes, data]);
}

/** A file of `size` bytes of which only the first are on the disk. */
function sparse(folder: string, head: Uint8Array, size: number): string {
  const path = join(folder, "sparse.pth");
  const file = openSync(path, "w");
  writeSync(file, head);
  ftruncateSync(file, size);
  closeSync(file);
  return path;
}

const LARGEST_HEADER = 16 << 20;
const filled = (pattern: string, size = LARGEST_HEADER) => Buffer.alloc(size, pattern, "latin1");
const two = (a: string, b: string) => safetensors(`{"a":${a},"b":${b}}`, new Uint8Array(16));
const f32 = (shape: string, offsets: string) => `{"dtype":"F32","shape":${shape},"data_offsets":${offsets}}`;

refuses("a header of 2 GB that is claimed", /a header of 2147483648 bytes, expected at most/, () =>
  safetensors("{}", undefined, 2n ** 31n),
);
refuses("a header of 2 GB that is there", /a header of 2147483648 bytes, expected at most/, (folder) =>
  sparse(folder, safetensors("{}", undefined, 2n ** 31n), 3 * 2 ** 30),
);
refuses("a header longer than any file", /begins with the bytes ff ff ff/, () =>
  safetensors("{}", undefined, 2n ** 63n - 1n),
);
refuses("the largest header allowed, empty", /no JSON/, (folder) =>
  sparse(folder, safetensors("{", undefined, BigInt(LARGEST_HEADER)), 2 ** 30),
);
refuses("a header of brackets", /nested deeper than four/, () => safetensors(filled('{"a":[[[[')));
refuses("a header of brackets that close", /that is no number|nested deeper|no dtype/, () =>
  safetensors(`{"a":[${"[],".repeat(LARGEST_HEADER / 3 - 10)}[]]}`),
);
refuses("a header of small objects", /the field "k0"/, () => {
  let text = "{";
  for (let i = 0; text.length < LARGEST_HEADER - 40; i++) text += `"${i}":{"k${i}":1},`;
  return safetensors(`${text}"a":1}`);
});
refuses("a header of as many objects as may be", /the field "k0"/, () => {
  let text = "{";
  for (let i = 0; i < 499_000; i++) text += `"${i}":{"k${i}":1},`;
  return safetensors(`${text}"a":1}`);
});
refuses("one name as long as the header", /a name of 16777\d+ bytes/, () =>
  safetensors(`{"€${"a".repeat(LARGEST_HEADER - 20)}":{}}`),
);
refuses("100 000 tensors of which the last lies outside", /data_offsets \[0,8\]/, () => {
  const tensors = Array.from({ length: 100_000 }, (_, i) => `"${i}":${f32("[0]", "[0,0]")}`);
  return safetensors(`{${tensors.join(",")},"z":${f32("[2]", "[0,8]")}}`, new Uint8Array(4));
});
refuses("tensors that overlap", /bytes that another tensor has as well/, () =>
  two(f32("[3]", "[0,12]"), f32("[2]", "[8,16]")),
);
refuses("a tensor outside the file", /data_offsets \[8,24\], expected two numbers in order, at most 16/, () =>
  two(f32("[2]", "[0,8]"), f32("[4]", "[8,24]")),
);
refuses("offsets beyond 2^53", /data_offsets \[8,9223372036854776000\]/, () =>
  two(f32("[2]", "[0,8]"), f32("[4]", "[8,9223372036854775808]")),
);
refuses("offsets below 0", /data_offsets \[-8,8\]/, () => two(f32("[2]", "[0,8]"), f32("[4]", "[-8,8]")));
refuses("sizes whose product overflows to the right one", /fewer than 2\^53 elements/, () =>
  two(f32("[2]", "[0,8]"), f32("[4294967296,4294967297,1]", "[8,16]")),
);
refuses("a size of 2^63", /dimension of size 9223372036854776000/, () =>
  two(f32("[2]", "[0,8]"), f32("[9223372036854775808]", "[8,16]")),
);

const plainPickle = "\x80\x02N.";
const archive = (pickle: string | Uint8Array) => zipOf({ "x/data.pkl": pickle, "x/data/0": new Uint8Array(24) });

refuses("a deflated pickle that swells a thousandfold", /entry "x\/data.pkl" compressed \(zip method 8\)/, () => {
  const packed = deflateRawSync(new Uint8Array(64 << 20));
  const zip = zipOf({ "x/data.pkl": packed });
  for (const signature of ["PK\x03\x04", "PK\x01\x02"]) {
    const at =
      zip.length === 0 ? 0 : Buffer.from(zip.buffer, zip.byteOffset, zip.length).indexOf(signature, 0, "latin1");
    const wide = signature === "PK\x01\x02";
    const view = new DataView(zip.buffer, zip.byteOffset + at);
    view.setUint16(wide ? 10 : 8, 8, true);
    view.setUint32(wide ? 24 : 22, 64 << 20, true);
  }
  return zip;
});
refuses("a zip in a zip", /a zip archive with "inner\.zip"/, () => zipOf({ "inner.zip": archive(plainPickle) }));
refuses(
  "entries that share one place (a bomb of overlapping entries)",
  /overlapping another|under another name/,
  () => {
    const zip = Buffer.from(zipOf({ "x/data.pkl": plainPickle, "x/data/0": new Uint8Array(64) }));
    const record = zip.lastIndexOf("PK\x01\x02", undefined, "latin1");
    zip.writeUInt32LE(0, record + 42); // x/data/0 at the place of x/data.pkl
    return zip;
  },
);
refuses("more entries than a model has tensors", /200001 zip entries, expected at most 100000/, () => {
  const end = Buffer.alloc(98);
  end.write("PK\x06\x06", 0, "latin1");
  for (const at of [24, 32]) end.writeBigUInt64LE(200_001n, at);
  end.write("PK\x06\x07", 56, "latin1");
  end.write("PK\x05\x06", 76, "latin1");
  const zip = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), Buffer.alloc(200_001 * 46), end]);
  zip.writeBigUInt64LE(BigInt(200_001 * 46), zip.length - 98 + 40);
  zip.writeBigUInt64LE(4n, zip.length - 98 + 48);
  zip.writeBigUInt64LE(BigInt(zip.length - 98), zip.length - 98 + 56 + 8);
  return zip;
});
refuses("99 999 entries and no pickle", /a zip archive with "0", "1", "2"/, () =>
  zipOf(Object.fromEntries(Array.from({ length: 99_999 }, (_, i) => [String(i), ""]))),
);
refuses("a zip64 size of 2^63", /a zip64 number 9223372036854775808|refers to bytes/, () => {
  const zip = Buffer.from(archive(plainPickle));
  const end = Buffer.alloc(76);
  end.write("PK\x06\x06", 0, "latin1");
  end.writeBigUInt64LE(2n, 32);
  end.writeBigUInt64LE(2n ** 63n, 40);
  end.write("PK\x06\x07", 56, "latin1");
  end.writeBigUInt64LE(BigInt(zip.length - 22), 56 + 8);
  return Buffer.concat([zip.subarray(0, -22), end, zip.subarray(-22)]);
});
refuses("a zip cut in the middle of its weights", /no zip directory at the end/, () =>
  archive(plainPickle).subarray(0, 150),
);

/** The largest pickle of one pattern, in both forms of torch.save. */
function pickleRefused(name: string, expected: RegExp, pattern: string, before = ""): void {
  const size = MAX_PICKLE_BYTES - 64 - before.length;
  const body = before + Buffer.alloc(size - (size % pattern.length), pattern, "latin1").toString("latin1");
  refuses(`${name}, zip`, expected, () => archive(Buffer.from(pickled.whole(body), "latin1")));
  refuses(`${name}, legacy`, expected, () => legacyOf({ body }));
}

const { text, int, storage, tensor } = pickled;
pickleRefused("numbers without end", /values at once/, "N");
pickleRefused("numbers put and dropped without end", /opcodes|whole pickle|takes more/, "N0");
pickleRefused("marks without end", /values at once/, "(");
pickleRefused("marks set and dropped without end", /opcodes|whole pickle|takes more/, "(1");
pickleRefused("lists without end", /values at once|containers without end/, "]");
pickleRefused("dictionaries without end", /containers without end/, "}");
pickleRefused("sets without end", /containers without end/, "\x8f");
pickleRefused("nesting without end", /nested deeper|containers without end|opcodes/, "\x85", "]");
pickleRefused("nested lists without end", /containers without end|values at once/, "]a", "]");
pickleRefused("memo slots without end", /containers without end/, "\x94", "]");
pickleRefused("text without end", /containers without end|values at once/, "U\x01a");
pickleRefused("text put and dropped without end", /containers without end|opcodes|takes more/, "U\x01a0");
pickleRefused("names without end", /opcodes|takes more|whole pickle|values at once/, "ctorch\nSize\n0");
pickleRefused("floats without end", /containers without end|values at once/, "G\0\0\0\0\0\0\0\0");
pickleRefused("a dictionary of one key set without end", /containers without end|takes more/, "K\x01Ns", "}");
pickleRefused(
  "bytes copied without end",
  /containers without end/,
  "h\x02h\x00h\x01\x86R0",
  `c_codecs\nencode\nq\x02X\x00\x00\x10\x00${"a".repeat(1 << 20)}q\x00${text("latin1")}q\x01`,
);
pickleRefused("long numbers without end", /containers without end|values at once/, `\x8a\x08${"\x7f".repeat(8)}`);
pickleRefused("one number of 4 MB", /a whole number of 4194304 bytes/, "\x01", "\x8b\0\0\x40\0");
pickleRefused("one text that claims 4 GB", /an end after|a pickle of more than/, "a", "X\xff\xff\xff\xff");
pickleRefused("empty bytes", /takes more|opcode 0x0/, "\0");

const array = (memo: string) =>
  `cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01(J\0\0\x10\0tcnumpy\ndtype\n(${text("u4")}\x89\x88tR(K\x03${text("<")}NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89${memo}tb`;
refuses("one array named many times", /containers without end/, () => {
  const bytes = "a".repeat(4 << 20);
  const body = `](B\0\0\x40\0${bytes}q\x07${array("h\x07")}${array("h\x07").repeat(50)}e`;
  return legacyOf({ body });
});
refuses("lists that double sixty times", /more than 10000000 values/, () =>
  archive(pickled.whole(`]${"2\x86".repeat(60)}`)),
);
refuses("a tensor of 2^31 elements over one", /repeated ones/, () =>
  archive(pickled.whole(tensor(storage("0", int(6)), [2 ** 31 - 1], [0]))),
);
refuses("storages beyond the file, sparse", /storages of \d+ bytes or more in 3221225472/, (folder) =>
  sparse(folder, legacyOf({ body: tensor(storage("0", int(2 ** 31 - 1)), [2], [1]) }), 3 * 2 ** 30),
);

for (const [form, make] of [
  ["zip", (body: string) => archive(pickled.whole(body))],
  ["legacy", (body: string) => legacyOf({ body })],
] as const) {
  const touch = (folder: string) => text(`touch ${join(folder, "ran")}`);
  const attacks: Record<string, (folder: string) => string> = {
    "os.system": (folder) => `cos\nsystem\n${touch(folder)}\x85R`,
    "posix.system": (folder) => `\x8c\x05posix\x8c\x06system\x93${touch(folder)}\x85R`,
    "subprocess.Popen": (folder) => `csubprocess\nPopen\n(${touch(folder)}${text("x")}t\x81`,
    "nt.system": (folder) => `(${touch(folder)}int\nsystem\n`,
    "builtins.eval": (folder) => `(cbuiltins\neval\n${touch(folder)}o`,
    "torch.load": (folder) => `ctorch\nload\n${touch(folder)}\x85R`,
    "functools.partial": () => `}(${text("a")}cfunctools\npartial\n)\x81}bu`,
  };
  for (const [name, body] of Object.entries(attacks)) {
    test(`refused: ${name}, ${form}, and nothing of it ran`, (t) => {
      const folder = temporaryFolder(t);
      writeFileSync(join(folder, "x.pth"), make(body(folder)));
      refusal(t, join(folder, "x.pth"), new RegExp(`asks for "${name.replace(".", "\\.")}"`));
      assert.ok(!existsSync(join(folder, "ran")));
    });
  }
}

refuses("a folder of that name", /a folder without weights/, (folder) => folder);
refuses("a page in place of the file", /an HTML page/, () => Buffer.from("<!DOCTYPE html><title>404</title>"));
refuses("an index of two names that lead outside", /expected a file's name in the same folder/, (folder) => {
  mkdirSync(join(folder, "model"));
  writeFileSync(
    join(folder, "model", "model.safetensors.index.json"),
    JSON.stringify({ weight_map: { a: "../x.pth" } }),
  );
  return join(folder, "model");
});
const indexOf = (text: string) => Buffer.from(text);
refuses("an index of objects", /the file undefined, expected a file's name/, () => {
  const entries = Array.from({ length: 400_000 }, (_, i) => `"${i}":{"k${i}":{"l${i}":1}}`);
  return indexOf(`{"weight_map":{${entries.join(",")}}}`);
});
refuses("an index of brackets", /nested deeper than four/, () => indexOf(`{"weight_map":${"[".repeat(1 << 20)}`));
refuses("an index longer than any", /JSON text/, () => indexOf(`{"weight_map":{"a":"${"b".repeat(17 << 20)}"}}`));
refuses("an index of 200 000 files", /200000 files, expected at most 1000/, () => {
  const entries = Array.from({ length: 200_000 }, (_, i) => `"${i}":"${i}.safetensors"`);
  return indexOf(`{"weight_map":{${entries.join(",")}}}`);
});

const hasPipes = spawnSync("mkfifo", ["--version"]).status === 0;
test("refused: a named pipe that nobody writes to", { skip: hasPipes ? false : "no mkfifo" }, (t) => {
  const path = join(temporaryFolder(t), "pipe.pth");
  spawnSync("mkfifo", [path]);
  refusal(t, path, /no regular file/);
});
refuses("a device without end", /no regular file/, () => "/dev/zero");
