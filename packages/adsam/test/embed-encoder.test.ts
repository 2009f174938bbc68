import assert from "node:assert/strict";
import { readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { Generator, noGrad, saveSafetensors, scope, Tensor } from "@adsam/torch";
import { descriptionKey } from "../src/data/embeddings/description.js";
import { EmbeddingStore } from "../src/data/embeddings/store.js";
import type { Size } from "../src/data/picture.js";
import { relativeError } from "../src/embed/codec.js";
import { describeEmbeddings } from "../src/embed/describe.js";
import { Embedder } from "../src/embed/embedder.js";
import { encodeAlone } from "../src/embed/encode.js";
import { EncoderHashes, hashEncoder } from "../src/embed/encoder-hash.js";
import { EncoderSource } from "../src/embed/encoder-source.js";
import { openStoreOf } from "../src/embed/open-embeddings.js";
import { AdSam } from "../src/models/ad-sam.js";
import { buildEncoder, encoders, type ImageEncoder } from "../src/models/encoders.js";
import { whyNotStored } from "../src/train/why-not-stored.js";
import { pictureId, shardFiles } from "./embed-fixtures.js";
import { folderForTests, tinyRecipe } from "./train-fixtures.js";

const root = folderForTests("embed-encoder");
const input: Size = { height: 32, width: 48 };
const compute = { device: "cpu", precision: "float32" } as const;
const nano = (seed = 0): EncoderSource => EncoderSource.open({ encoder: "nano", weights: null, seed, device: "cpu" });
const image = (seed: number): Float32Array =>
  Float32Array.from({ length: 3 * 32 * 48 }, (_, i) => Math.sin(seed + i * 0.37));

describe("the hash of an encoder", () => {
  test("changes with any value, name or size, and with nothing else", () => {
    const hash = nano().hash();
    assert.match(hash, /^[0-9a-f]{64}$/);
    assert.equal(nano().hash(), hash);
    assert.notEqual(nano(1).hash(), hash);
    const encoder = nano().encoder();
    const value = [...encoder.stateDict().values()].at(-1)!.select(0, 3);
    const before = value.item();
    noGrad(() => value.fill_(before + 1e-6));
    assert.notEqual(hashEncoder(encoder), hash, "one value");
    noGrad(() => value.fill_(before));
    assert.equal(hashEncoder(encoder), hash);
    const config = { ...encoder.config, windowSize: 8 }; // sizes that no tensor tells
    const other = Object.assign(Object.create(encoder) as typeof encoder, { config });
    assert.notEqual(hashEncoder(other), hash, "sizes");
  });

  test("of a checkpoint is noted, and found as long as the file is untouched", () => {
    const file = path.join(root, "nano.safetensors");
    const save = (seed: number) => saveSafetensors(file, new Map(nano(seed).encoder().stateDict()));
    const open = () =>
      EncoderSource.open({
        encoder: "nano",
        weights: file,
        seed: 5,
        device: "cpu",
        hashFolder: path.join(root, "hashes"),
      });
    save(1);
    const hash = open().hash();
    assert.equal(hash, nano(1).hash(), "the weights decide, not where they came from");
    const { mtime, size } = statSync(file);
    const source = open();
    source.encoder = () => assert.fail("it need not be loaded");
    assert.equal(source.hash(), hash);
    save(2);
    assert.equal(statSync(file).size, size);
    utimesSync(file, mtime, mtime); // as `cp -p` and `tar` set it
    assert.equal(open().hash(), nano(2).hash());
    const bytes = readFileSync(file);
    bytes[bytes.length - 2]! ^= 1;
    writeFileSync(file, bytes); // within the same file
    utimesSync(file, mtime, mtime);
    assert.notEqual(open().hash(), nano(2).hash());
  });

  test("of a checkpoint in several files is not noted: its index stays while they change", () => {
    const hashes = new EncoderHashes(path.join(root, "index-hashes"));
    const index = path.join(root, "model.safetensors.index.json");
    for (const text of ['{"weight_map": {}}', '{\n  "weight_map": {}\n}']) {
      writeFileSync(index, text);
      hashes.note(index, encoders.nano, "a".repeat(64));
      assert.equal(hashes.find(index, encoders.nano), undefined);
    }
    hashes.note(root, encoders.nano, "a".repeat(64));
    assert.equal(hashes.find(root, encoders.nano), undefined, "a folder");
    assert.equal(hashes.find(path.join(root, "missing"), encoders.nano), undefined);
    writeFileSync(index, "PK");
    hashes.note(index, encoders.nano, "a".repeat(64));
    assert.equal(hashes.find(index, encoders.nano), "a".repeat(64));
  });

  test("of a file that is no encoder's is an error", () => {
    const file = path.join(root, "wrong.safetensors");
    saveSafetensors(file, new Map([["a", Tensor.of([1])]]));
    const source = EncoderSource.open({ encoder: "nano", weights: file, seed: 0, device: "cpu" });
    assert.throws(() => source.hash(), { name: "Problem" });
    writeFileSync(file, "x");
    assert.throws(() => source.hash(), { name: "Problem" });
  });

  test("random weights are those that training begins with, and the default generator does not notice", () => {
    Generator.default().seed(3);
    const trained = buildEncoder("nano");
    Generator.default().seed(11);
    const before = Generator.default().state.toArray();
    assert.equal(nano(3).hash(), hashEncoder(trained));
    assert.deepEqual(Generator.default().state.toArray(), before);
  });
});

test("what an embedding depends on is in its key", () => {
  const { config } = nano();
  const base = { config, weights: "a".repeat(64), input, precision: "float32", dtype: "float16" } as const;
  const variants = [
    base,
    { ...base, weights: "b".repeat(64) },
    { ...base, input: { height: 48, width: 32 } },
    { ...base, precision: "bfloat16" },
    { ...base, dtype: "int8" },
  ] as const;
  const keys = variants.map((variant) => descriptionKey(describeEmbeddings(variant)));
  assert.equal(new Set(keys).size, variants.length);
  const { encoder, storage } = describeEmbeddings(base);
  assert.deepEqual([encoder.name, storage.shape], ["nano", [64, 2, 3]]);
  assert.equal(describeEmbeddings({ ...base, config: { ...config, imageSize: 512 } }).encoder.name, "custom");
});

describe("an embedder", () => {
  const source = nano();
  let stores = 0;
  const description = describeEmbeddings({
    config: source.config,
    weights: source.hash(),
    input,
    precision: "float32",
    dtype: "int8",
  });
  const open = (at: string, more = {}) => EmbeddingStore.open({ root: path.join(root, at), description, ...more });
  const freshName = (): string => `store-${stores++}`;
  const never = (): ImageEncoder => assert.fail("the encoder is not needed");

  test("computes what is missing and gives what it stored; then reads it, to the same bits, without the encoder", () =>
    scope(() => {
      const at = freshName();
      using store = open(at);
      const embedder = new Embedder({ store, encoder: () => source.encoder(), compute });
      const images = Float32Array.from([...image(1), ...image(2), ...image(3)]);
      const ids = [pictureId(1), pictureId(2), pictureId(1, true)];
      const first = embedder.embeddings(ids, images);
      assert.deepEqual([first.shape, first.dtype], [[3, 64, 2, 3], "float32"]);
      assert.deepEqual(embedder.counts, { read: 0, computed: 3 });
      using again = open(at);
      const reader = new Embedder({ store: again, encoder: never, compute });
      assert.deepEqual(reader.embeddings(ids, images).toArray(), first.toArray());
      assert.deepEqual(reader.counts, { read: 3, computed: 0 });
      const live = encodeAlone(source.encoder(), image(3), input, compute);
      const off = first.select(0, 2).sub(live).abs().amax().item();
      assert.ok(off > 0 && off < 0.05 * live.abs().amax().item(), `${off}`);
    }));

  test("the bits do not depend on what else is in the batch", () =>
    scope(() => {
      const [one, two] = [open(freshName()), open(freshName())];
      const together = new Embedder({ store: one, encoder: () => source.encoder(), compute });
      const alone = new Embedder({ store: two, encoder: () => source.encoder(), compute });
      const ids = [pictureId(1), pictureId(2)];
      const batch = together.embeddings(ids, Float32Array.from([...image(1), ...image(2)]));
      assert.deepEqual(alone.embedding(ids[1]!, image(2)).toArray(), batch.select(0, 1).contiguous().toArray());
      one.close();
      two.close();
    }));

  test("a damaged record is computed anew", () =>
    scope(() => {
      const at = freshName();
      using store = open(at);
      const embedder = new Embedder({ store, encoder: () => source.encoder(), compute });
      const before = embedder.embedding(pictureId(1), image(1)).toArray();
      store.close();
      const shard = shardFiles(store, ".data")[0]!;
      const bytes = readFileSync(shard);
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(shard, bytes);
      using again = open(at);
      const other = new Embedder({ store: again, encoder: () => source.encoder(), compute });
      assert.deepEqual(other.embedding(pictureId(1), image(1)).toArray(), before);
      assert.deepEqual([other.counts, again.damaged.length], [{ read: 0, computed: 1 }, 1]);
    }));

  test("a full disk is told once; the same bits come, they are only not kept", () =>
    scope(() => {
      using whole = open(freshName());
      const expected = new Embedder({ store: whole, encoder: () => source.encoder(), compute });
      const writeBytes = () => {
        throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
      };
      using store = open(freshName(), { writeBytes });
      const told: string[] = [];
      const onUnstored = ({ message }: Error) => told.push(message);
      const embedder = new Embedder({ store, encoder: () => source.encoder(), compute, onUnstored });
      for (const i of [1, 2])
        assert.deepEqual(
          embedder.embedding(pictureId(i), image(i)).toArray(),
          expected.embedding(pictureId(i), image(i)).toArray(),
        );
      assert.equal(told.length, 1);
      assert.match(told[0]!, /cannot be written: found no space left on the disk/);
    }));

  test("a network sees of the store what its own encoder would have given, within the dtype", () =>
    scope(() => {
      Generator.default().seed(0);
      const tiny = { fusionDim: 16, decoderDims: [16, 8, 8], attentionHeads: 4, resnet: "resnet18" } as const;
      const network = new AdSam({ numClasses: 5, encoder: "nano", ...tiny }).eval();
      const size = { height: 64, width: 96 };
      const images = Float32Array.from({ length: 2 * 3 * 64 * 96 }, (_, i) => Math.sin(i * 0.11));
      const batch = Tensor.from(images, [2, 3, 64, 96]);
      const live = noGrad(() => network.call({ image: batch }));
      const source = EncoderSource.of(network.samEncoder!);
      const errors = (["float16", "int8"] as const).map((dtype) => {
        using store = openStoreOf(source, { input: size, compute, dtype, root: path.join(root, freshName()) });
        const embedder = new Embedder({ store, encoder: () => source.encoder(), compute });
        const samEmbedding = embedder.embeddings([pictureId(1), pictureId(2)], images);
        return relativeError(
          noGrad(() => network.call({ image: batch, samEmbedding })),
          live,
        );
      });
      assert.ok(errors[0]! > 0 && errors[0]! < 1e-3, `float16 ${errors[0]}`);
      assert.ok(errors[1]! > errors[0]! && errors[1]! < 2e-2, `int8 ${errors[1]}`);
      source[Symbol.dispose]();
      assert.ok(
        network.samEncoder!.parameters().every((tensor) => !tensor.disposed),
        "it stays the network's",
      );
      network.dispose();
    }));

  test("an encoder that is being trained is refused, and so is a picture of another size", () => {
    using store = open(freshName());
    const training = buildEncoder("nano");
    const embedder = new Embedder({ store, encoder: () => training, compute });
    assert.throws(() => embedder.embedding(pictureId(1), image(1)), /found training mode, expected evaluation mode/);
    assert.throws(() => embedder.embedding(pictureId(1), new Float32Array(7)), /7 values for 32×48 pixels/);
  });
});

test("which recipes can use stored embeddings", () => {
  const why = (flags: Record<string, unknown>) =>
    whyNotStored(
      tinyRecipe({
        "augment.scale": null,
        "augment.crop": null,
        "augment.jitter": null,
        "model.encoderTrained": false,
        ...flags,
      }),
    );
  assert.equal(why({}), undefined);
  assert.match(why({ "model.encoderTrained": true })!, /it trains the encoder/);
  assert.match(why({ "augment.crop": { height: 32, width: 32 } })!, /by more than mirroring \(augment\.crop\)/);
  assert.match(why({ "augment.jitter": { brightness: 0.1, contrast: 0, saturation: 0 } })!, /augment\.jitter/);
});
