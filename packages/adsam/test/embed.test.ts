import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import path from "node:path";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { command } from "../src/cli/embed.js";
import { Output } from "../src/cli/output.js";
import { contentHash } from "../src/data/content-hash.js";
import { storeBytes } from "../src/data/embeddings/record.js";
import { EmbeddingStore } from "../src/data/embeddings/store.js";
import { loadSample } from "../src/data/load-sample.js";
import { openDataset } from "../src/data/open.js";
import { Random } from "../src/data/random.js";
import { normalise } from "../src/data/transforms/normalise.js";
import { applyTransforms } from "../src/data/transforms/recipe.js";
import { describeEmbeddings } from "../src/embed/describe.js";
import { requireSpace } from "../src/embed/embed-dataset.js";
import { EncoderSource } from "../src/embed/encoder-source.js";
import { prepareFile } from "../src/embed/prepare.js";
import { tinyDescription } from "./embed-fixtures.js";
import { folderForTests, putScenes, sceneFile } from "./train-fixtures.js";

const root = folderForTests("embed");
const data = path.join(root, "data");
const pictures = 24;
const input = { height: 64, width: 96 };
const script = fileURLToPath(new URL("./embed-process.js", import.meta.url));
const storeRoot = (name: string): string => path.join(root, name);
const words = (name: string, more: readonly string[] = []): string[] =>
  [
    "--data",
    data,
    "--encoder",
    "nano",
    "--size",
    "64x96",
    "--device",
    "cpu",
    "--threads",
    "1",
    "--workers",
    "1",
  ].concat(["--store", storeRoot(name)], more);

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function begin(
  words: readonly string[],
  command: readonly string[] = [],
): { child: ChildProcess; ended: Promise<Ended> } {
  const [program, ...rest] = [...command, process.execPath, script, ...words];
  const child = spawn(program!, rest, { env: { ...process.env, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve) =>
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr })),
  );
  return { child, ended };
}

/** In a process of its own. */
const embedApart = (words: readonly string[], command: readonly string[] = []): Promise<Ended> =>
  begin(words, command).ended;

/** In this process, which is faster. */
async function embed(words: readonly string[]): Promise<Ended> {
  const text = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof text) =>
    ({
      write: (more: string) => {
        text[name] += more;
        return true;
      },
    }) as unknown as NodeJS.WritableStream;
  const output = new Output({ stdout: stream("stdout"), stderr: stream("stderr"), env: {} });
  const program = new Command("embed").exitOverride().configureOutput({ writeErr: (more) => output.note(more) });
  command.define(program, output);
  const handlers = process.listeners("SIGINT");
  try {
    await program.parseAsync(words, { from: "user" });
    return { status: Number(process.exitCode ?? 0), signal: null, ...text };
  } catch (error) {
    return { status: output.failure(error), signal: null, ...text };
  } finally {
    process.exitCode = undefined;
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      for (const handler of process.listeners(signal)) if (!handlers.includes(handler)) process.off(signal, handler);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what the command printed is looked at key by key
const summary = ({ stdout }: Ended): any => JSON.parse(stdout);

function openMade(name: string, dtype: "float16" | "int8" = "float16"): EmbeddingStore {
  using source = EncoderSource.open({ encoder: "nano", weights: null, seed: 0, device: "cpu" });
  const description = describeEmbeddings({
    config: source.config,
    weights: source.hash(),
    input,
    precision: "float32",
    dtype,
  });
  return EmbeddingStore.open({ root: storeRoot(name), description, mode: "read" });
}

/** Id → its bytes, of every picture of the data set. */
function contents(name: string): Map<string, string> {
  using store = openMade(name);
  const found = new Map<string, string>();
  for (let i = 0; i < pictures; i++)
    for (const mirrored of [false, true]) {
      const picture = contentHash(readFileSync(sceneFile(data, "train", i, "picture")));
      const payload = store.read({ picture, mirrored });
      found.set(`${i} ${mirrored}`, payload ? Buffer.from(payload).toString("hex") : "missing");
    }
  assert.equal(store.size, 2 * pictures);
  return found;
}

/** Records that the shards of a store hold, twofold ones twice. */
function records(name: string): number {
  const folder = path.join(
    storeRoot(name),
    readdirSync(storeRoot(name)).find((entry) => entry.startsWith("nano"))!,
    "shards",
  );
  const files = readdirSync(folder).filter((file) => file.endsWith(".index"));
  return files.reduce((sum, file) => sum + Math.max(0, Math.floor(statSync(path.join(folder, file)).size / 64) - 1), 0);
}

/** Waits until a store has at least so many records, and the process is still at it. */
async function reaches(name: string, count: number): Promise<void> {
  for (;;) {
    try {
      if (records(name) >= count) return;
    } catch {} // not begun yet
    await sleep(2);
  }
}

before(async () => {
  await putScenes(data, "train", pictures);
  await putScenes(data, "val", 2);
});

describe("adsam embed", () => {
  test("stores every picture and its mirror image once, says what it will take and what it did", async () => {
    const first = await embed(words("whole"));
    assert.equal(first.status, 0, first.stderr);
    assert.match(
      first.stderr,
      /^Cityscapes, train: 24 pictures with their mirror images are 48 embeddings by nano, 64×4×6 in float16: 153\.7 kB\n/,
    );
    assert.match(first.stderr, /0 there already, 48 to compute: 153\.7 kB of [\d.]+ GB free in .+nano-64x96-float16-/);
    assert.match(first.stdout, /^48 embeddings of 24 pictures: 48 new, 0 there already, in /);
    assert.match(
      first.stdout,
      /Storing in float16 changes an embedding by 0\.02\d % \(relative L2; at most 0\.02\d %\)/,
    );
    const again = await embed(words("whole", ["--json"]));
    const { seconds, data: from, store, ...rest } = summary(again);
    assert.ok(seconds >= 0 && from === data && existsSync(path.join(store, "manifest.json")));
    assert.deepEqual(rest, {
      splits: ["train"],
      pictures: 24,
      embeddings: 48,
      new: 0,
      stored: 48,
      storeBytes: 48 * (64 * 4 * 6 * 2 + 128) + 128,
      error: null,
      failed: [],
      damaged: 0,
      faults: [],
      complete: true,
    });
    assert.equal(contents("whole").size, 48);
  });

  test("encodes exactly the pictures that training makes", async () => {
    const dataset = await openDataset({ kind: "auto", root: data, split: "train" });
    const loaded = await loadSample(dataset, 5);
    for (const mirrored of [false, true]) {
      const recipe = { size: input, scale: null, crop: null, mirror: mirrored ? 1 : 0, jitter: null };
      const trained = normalise(applyTransforms(loaded, recipe, new Random("any")).picture);
      const { images } = await prepareFile({ file: dataset.samples[5]!.imagePath, input, mirrored: [mirrored] });
      assert.deepEqual(images[0], trained);
    }
  });

  test("two processes at once, one of them killed and started again, make the store that one makes", async () => {
    const [one, two] = [begin(words("shared", ["--json"])), begin(words("shared", ["--json"]))];
    await reaches("shared", 9);
    one.child.kill("SIGKILL");
    const three = begin(words("shared", ["--json"]));
    const [killed, second, third] = await Promise.all([one.ended, two.ended, three.ended]);
    assert.equal(killed.signal, "SIGKILL");
    assert.deepEqual([second.status, third.status], [0, 0], second.stderr + third.stderr);
    assert.deepEqual(contents("shared"), contents("whole"));
    assert.ok(records("shared") <= 2 * pictures + 2, "at most what was under way when one was killed is there twice");
    for (const ended of [second, third]) {
      const { new: computed, stored, complete } = summary(ended);
      assert.deepEqual([computed + stored, complete], [48, true]);
    }
    const claims = path.join(summary(second).store, "claims");
    assert.deepEqual(readdirSync(claims), [], "no claim is left, the killed one's neither");
  });

  test("two processes at once share the work, and compute nothing twice", async () => {
    const ended = await Promise.all(["a", "b"].map(() => embedApart(words("halves", ["--json"]))));
    const computed = ended.map((one) => summary(one).new);
    assert.equal(computed[0] + computed[1], 48);
    assert.equal(records("halves"), 48);
    assert.deepEqual(contents("halves"), contents("whole"));
  });

  test("killed again and again, it goes on where it stood, and ends with the same store", async () => {
    for (let count = 5; count < 48; count += 16) {
      const { child, ended } = begin(words("killed"));
      await reaches("killed", count);
      child.kill("SIGKILL");
      await ended;
    }
    const last = summary(await embed(words("killed", ["--json"])));
    assert.ok(last.stored >= 37 && last.new <= 11, JSON.stringify(last));
    assert.deepEqual(contents("killed"), contents("whole"));
  });

  test("Ctrl-C: the picture at hand is finished, what is there is told, and it ends with 130", async () => {
    const { child, ended } = begin(words("stopped", ["--json"]));
    await reaches("stopped", 4);
    child.kill("SIGINT");
    const stopped = await ended;
    assert.deepEqual([stopped.status, stopped.signal], [130, null], stopped.stderr);
    assert.match(stopped.stderr, /stopping: finishing the picture at hand \(Ctrl-C again ends it at once\)/);
    const { complete, new: computed, store } = summary(stopped);
    assert.ok(!complete && computed >= 4 && computed < 48);
    assert.equal(records("stopped"), computed);
    assert.deepEqual(readdirSync(path.join(store, "claims")), []);
    assert.equal(summary(await embed(words("stopped", ["--json"]))).stored, computed);
  });

  test("--verify finds what is damaged and computes it anew; several splits, no mirror images, int8", async () => {
    const more = ["--split", "train", "val", "--no-mirror", "--dtype", "int8", "--json"];
    const first = summary(await embed(words("verified", more)));
    assert.deepEqual(
      [first.pictures, first.embeddings, first.new],
      [24, 24, 24],
      "the validation pictures are two of the same",
    );
    assert.ok(first.error.mean > 0.001 && first.error.largest < 0.02, JSON.stringify(first.error));
    const shards = path.join(first.store, "shards");
    const file = path.join(shards, readdirSync(shards).find((name) => name.endsWith(".data"))!);
    const bytes = readFileSync(file);
    bytes[bytes.length - 7]! ^= 2;
    writeFileSync(file, bytes);
    const unseen = summary(await embed(words("verified", more)));
    assert.deepEqual([unseen.new, unseen.damaged], [0, 0]);
    const seen = summary(await embed(words("verified", [...more, "--verify"])));
    assert.deepEqual([seen.new, seen.stored, seen.damaged], [1, 23, 1]);
  });

  test("a file that is no picture is told, the others are stored", async () => {
    const broken = path.join(root, "broken");
    await putScenes(broken, "train", 3);
    writeFileSync(
      sceneFile(broken, "train", 1, "picture"),
      readFileSync(sceneFile(data, "train", 1, "picture")).subarray(0, 400),
    );
    await copyFile(sceneFile(broken, "train", 0, "picture"), sceneFile(broken, "train", 2, "picture"));
    const ended = await embed([...words("broken"), "--data", broken, "--json"]);
    assert.equal(ended.status, 1);
    const { failed, pictures, new: computed } = summary(ended);
    assert.deepEqual([pictures, computed, failed.length], [2, 2, 1]);
    assert.match(
      ended.stderr,
      /warning: not embedded: picture ".+ulm_000001_000019_leftImg8bit\.png": found 400 bytes that cannot be decoded/,
    );
  });

  const onLinux = { skip: process.platform !== "linux" && "needs ulimit -f" };
  test("a disk that fills up: one sentence, and what was stored is whole", onLinux, async () => {
    const limited = ["sh", "-c", 'ulimit -f 64; exec "$@"', "sh"]; // 32 KiB a file
    const { status, stderr } = await embedApart(words("full"), limited);
    assert.equal(status, 1, stderr);
    assert.match(
      stderr,
      /cannot be written: found the largest file size allowed here reached\. What was stored before is whole/,
    );
    const rest = summary(await embed(words("full", ["--json"])));
    assert.deepEqual([rest.stored, rest.new, rest.damaged, rest.faults], [10, 38, 0, []]);
    assert.deepEqual(contents("full"), contents("whole"));
  });

  test("a disk that is too small is refused before anything is computed", () => {
    const storage = { dtype: "float16", shape: [256, 64, 64] } as const;
    const store = { folder: "/mnt/e", description: { ...tinyDescription(), storage } };
    const missingBytes = storeBytes(storage, 5950);
    assert.throws(() => requireSpace(store, { missing: 5950, missingBytes, freeBytes: 9e9 }), {
      name: "Problem",
      message:
        'embedding store "/mnt/e": found 9.00 GB free on its disk, expected 12.48 GB for 5950 embeddings. ' +
        "Free some space, take --dtype int8 (6.25 GB), or name a folder on another disk with --store.",
    });
    requireSpace(store, { missing: 5950, missingBytes, freeBytes: missingBytes });
    requireSpace(store, { missing: 5950, missingBytes, freeBytes: undefined });
  });

  test("bad requests", async () => {
    const refused = async (more: string[], message: RegExp) => {
      const { status, stderr } = await embed(words("refused", more));
      assert.equal(status, 1, stderr);
      assert.match(stderr, message);
    };
    await refused(["--encoder", "none"], /adsam: --encoder: found none, expected an encoder/);
    await refused(["--encoder-weights", path.join(root, "no.pth")], /no\.pth/);
    await refused(["--data", path.join(root, "nowhere")], /found no such folder/);
    const { status, stderr } = await embed(words("refused", ["--dtype", "int4"]));
    assert.deepEqual([status, /int4/.test(stderr)], [2, true]);
  });
});
