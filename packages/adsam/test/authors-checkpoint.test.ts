import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { type nn, noGrad, openCheckpoint, rand, saveCheckpoint, scope, type Tensor } from "@adsam/torch";
import { camvidClasses, cityscapesClasses } from "../src/data/labels.js";
import { AdSam, type AdSamConfig } from "../src/models/ad-sam.js";
import { buildEncoder } from "../src/models/encoders.js";
import { adSamSizesOf } from "../src/models/published/ad-sam-config.js";
import { samEncoders } from "../src/models/sam/config.js";
import { loadNetwork, readHeader } from "../src/train/checkpoint.js";
import { paperRecipe } from "../src/train/recipe.js";
import { smallSizes, trainedLike, withoutPython, writeAuthors, writeByPython, writeEncoder } from "./authors-files.js";
import { different, onMeta, stateOf, temporaryFolder } from "./published-files.js";

const variants: Readonly<Record<string, Partial<AdSamConfig>>> = {
  full: {},
  no_deform: { deformable: false },
  no_attention: { channelAttention: false },
  "without SAM": { encoder: "none", resnet: "resnet18" },
  "without ResNet": { resnet: "none" },
  "of 5 classes": { numClasses: 5 },
  "on ResNet-34": { resnet: "resnet34" },
};

describe("sizes told by shapes", () => {
  const authors = { encoder: "sam-vit-h", decoder: "deformable-convolution" } as const;
  for (const [name, config] of Object.entries<Partial<AdSamConfig>>({
    "the authors'": authors,
    "the authors' without deformable layers": { ...authors, deformable: false },
    "on ResNet-101": { ...authors, resnet: "resnet101" },
    ...Object.fromEntries(Object.entries(variants).map(([key, one]) => [key, { ...smallSizes, ...one }])),
  }))
    test(name, () => {
      const network = onMeta(() => new AdSam({ ...config, embeddingOnly: true }));
      const { numClasses, resnet, decoder, deformable, channelAttention, fusionDim, decoderDims } = network.config;
      assert.deepEqual(adSamSizesOf(network.stateDict(), "file"), {
        numClasses,
        resnet,
        decoder,
        deformable,
        channelAttention,
        fusionDim,
        decoderDims: [...decoderDims],
        samChannels: { "sam-vit-h": 256, nano: 64, none: 0 }[network.config.encoder as string],
      });
    });
});

describe("a file in the authors' form", () => {
  for (const [name, config] of Object.entries(variants))
    test(`${name}: every tensor, and the same logits to the bit`, (t) => {
      const folder = temporaryFolder(t);
      scope(() => {
        using network = trainedLike(config);
        const file = writeAuthors(join(folder, "authors.pth"), network);
        const options = network.samEncoder && { encoderWeights: writeEncoder(join(folder, "sam.pth"), network) };
        const loaded = loadNetwork(file, options);
        using own = loaded.network;
        assert.deepEqual(different(network, own), []);
        assert.deepEqual(different(own, network), []);
        assert.equal(own.training, false);
        assert.equal(loaded.progress, null);
        const image = rand([2, 3, 64, 96]);
        const logits = (of: nn.Module) => noGrad(() => of.call({ image }) as Tensor);
        assert.ok(logits(own).equal(logits(network)));
      });
    });

  test("has the paper's recipe but for its network, and Cityscapes' classes or numbered ones", (t) => {
    const folder = temporaryFolder(t);
    scope(() => {
      using network = trainedLike();
      const [file, sam] = [
        writeAuthors(join(folder, "authors.pth"), network),
        writeEncoder(join(folder, "sam.pth"), network),
      ];
      const header = readHeader(file, { encoderWeights: sam });
      assert.deepEqual(header.classes, cityscapesClasses);
      const { model, ...rest } = header.recipe;
      const { model: paper, ...others } = paperRecipe();
      assert.deepEqual(rest, others);
      assert.deepEqual(model, {
        ...paper,
        ...smallSizes,
        decoderDims: [...smallSizes.decoderDims],
        encoderWeights: sam,
      });
      using eleven = trainedLike({ numClasses: 11, encoder: "none" });
      const { names, colours } = readHeader(writeAuthors(file, eleven)).classes;
      assert.deepEqual([names.length, names[0], names[10]], [11, "class 0", "class 10"]);
      assert.equal(new Set(colours.map(String)).size, 11);
      assert.notDeepEqual(names, camvidClasses.names);
    });
  });

  test("an encoder without a name takes its sizes from its file, one within the checkpoint from the checkpoint", (t) => {
    const folder = temporaryFolder(t);
    scope(() => {
      using network = trainedLike({ encoder: { ...samEncoders.nano, depth: 3, globalAttnIndexes: [2], outChans: 48 } });
      const [file, sam] = [
        writeAuthors(join(folder, "authors.pth"), network),
        writeEncoder(join(folder, "sam.pth"), network),
      ];
      const apart = loadNetwork(file, { encoderWeights: sam });
      using first = apart.network;
      assert.deepEqual(different(network, first), []);
      assert.deepEqual([apart.recipe.model.encoder, apart.recipe.model.encoderWeights], [sam, sam]);
      const whole = join(folder, "whole.pth");
      saveCheckpoint(whole, { model_state_dict: stateOf(network, "module.") });
      const within = loadNetwork(whole);
      using second = within.network;
      assert.deepEqual(different(network, second), []);
      assert.deepEqual([within.recipe.model.encoder, within.recipe.model.encoderWeights], [resolve(whole), null]);
      assert.throws(
        () => loadNetwork(whole, { encoderWeights: sam }),
        /--encoder-weights ".*": found SAM's encoder in/,
      );
    });
  });

  test("written by PyTorch at the authors' sizes, on an encoder of 256 channels", { skip: withoutPython }, (t) => {
    const folder = temporaryFolder(t);
    const config = { encoder: "sam-vit-h", decoder: "deformable-convolution", embeddingOnly: true } as const;
    const [file, sam] = [join(folder, "authors.pth"), join(folder, "sam.pth")];
    const state = onMeta(() => new AdSam(config)).stateDict();
    writeByPython(file, Object.fromEntries([...state].map(([name, { shape }]) => [name, shape])));
    assert.deepEqual(readHeader(file).recipe.model, {
      ...paperRecipe().model,
      numClasses: 19,
      encoder: "sam-vit-h",
      decoder: "deformable-convolution",
    });
    scope(() => {
      using encoder = buildEncoder({ ...samEncoders.nano, outChans: 256 });
      saveCheckpoint(sam, stateOf(encoder, "image_encoder."));
      using network = loadNetwork(file, { encoderWeights: sam }).network;
      const there = (openCheckpoint(file).tree as Map<string, Map<string, Tensor>>).get("model_state_dict")!;
      for (const [name, tensor] of network.stateDict())
        if (!name.startsWith("sam_encoder.")) assert.ok(tensor.equal(there.get(name)!), name);
      assert.deepEqual(different(encoder, network.samEncoder!), []);
      const logits = noGrad(() => network.call({ image: rand([1, 3, 64, 96]) }));
      assert.deepEqual(logits.shape, [1, 19, 64, 96]);
      assert.ok(Number.isFinite(logits.abs().max().item()));
    });
  });
});
