import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { deformConv2d, msDeformAttn } from "@adsam/kernels";
import { empty, liveTensors, nn, noGrad, scope, type Tensor, withDevice } from "@adsam/torch";
import { describeModule, describeNetwork, type ModuleDescription } from "../src/describe/modules.js";
import { AdSam, paperConfig } from "../src/models/ad-sam.js";
import { ResNet } from "../src/models/resnet.js";
import { type SamEncoderConfig, samEncoders } from "../src/models/sam/config.js";
import { SamImageEncoder } from "../src/models/sam/image-encoder.js";
import { temporaryFolder } from "./data-fixtures.js";
import { tinyCheckpoint, tinyConfig } from "./tiny-checkpoint.js";

const script = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
const adsam = (...words: string[]) => spawnSync(process.execPath, [script, "describe", ...words], { encoding: "utf8" });

const onMeta = <T>(body: () => T): T => withDevice("meta", () => scope(() => nn.init.skipInit(body)));

/** The description of a module that takes one map. */
function described(make: () => nn.Module, shape: number[]): ModuleDescription {
  return onMeta(() => {
    using module = make().eval();
    return describeModule(module, () => module.call(empty(shape))).root;
  });
}

/** A module of one operator, to count it alone. */
class Lone extends nn.Module {
  constructor(readonly body: (x: Tensor) => Tensor) {
    super();
  }
  forward(x: Tensor): Tensor {
    return this.body(x);
  }
}
const multiplyAdds = (body: (x: Tensor) => Tensor, shape: number[]) =>
  described(() => new Lone(body), shape).multiplyAdds;

describe("multiply-adds by hand", () => {
  test("a strided convolution in groups", () => {
    const conv = described(
      () =>
        new nn.Conv2d(6, 8, {
          kernelSize: { height: 3, width: 5 },
          stride: 2,
          padding: { height: 1, width: 2 },
          groups: 2,
        }),
      [2, 6, 9, 14],
    );
    assert.deepEqual(conv.output, [2, 8, 5, 7]);
    assert.equal(conv.multiplyAdds, 2 * 8 * 5 * 7 * (6 / 2) * 3 * 5);
    assert.deepEqual(conv.parameters, { trained: 8 * 3 * 15 + 8, frozen: 0 });
  });

  test("a transposed one: every input element meets one filter", () => {
    const conv = described(() => new nn.ConvTranspose2d(6, 8, { kernelSize: 3, stride: 2, groups: 2 }), [2, 6, 5, 7]);
    assert.deepEqual(conv.output, [2, 8, 11, 15]);
    assert.equal(conv.multiplyAdds, 2 * 6 * 5 * 7 * (8 / 2) * 9);
  });

  test("matrix products, as functions and as a layer", () => {
    assert.equal(described(() => new nn.Linear(5, 7), [2, 3, 5]).multiplyAdds, 2 * 3 * 5 * 7);
    assert.equal(
      multiplyAdds((x) => x.bmm(empty([2, 5, 7])), [2, 3, 5]),
      2 * 3 * 5 * 7,
    );
    assert.equal(
      multiplyAdds((x) => x.matmul(empty([5, 7])), [4, 2, 3, 5]),
      4 * 2 * 3 * 5 * 7,
    );
  });

  test("deformable convolution: every channel is read once a tap, then a convolution", () => {
    const [mask, offset] = [
      [2, 9, 4, 5],
      [2, 18, 4, 5],
    ];
    const convolution = 2 * 7 * 4 * 5 * 6 * 9;
    const readings = 2 * 6 * 9 * 4 * 5;
    const count = (options: () => object) =>
      multiplyAdds(
        (x) => deformConv2d(x, empty([7, 6, 3, 3]), empty(offset), { padding: 1, ...options() }),
        [2, 6, 4, 5],
      );
    assert.equal(
      count(() => ({})),
      convolution + 4 * readings,
    );
    assert.equal(
      count(() => ({ mask: empty(mask) })),
      convolution + 5 * readings,
    );
  });

  test("deformable attention: points and levels of each head", () => {
    const count = multiplyAdds(
      (x) => msDeformAttn(x, [2, 3, 4, 5], empty([2, 11, 4, 2, 3, 2]), empty([2, 11, 4, 2, 3])),
      [2, 26, 4, 8],
    );
    assert.equal(count, 2 * 11 * (4 * 8) * (2 * 3) * 5);
  });

  test("norms and activations count nothing and are named", () => {
    const { root, uncounted } = onMeta(() => {
      using layers = new nn.Sequential(new nn.GroupNorm(2, 6), new nn.GELU());
      return describeModule(layers, () => layers.call(empty([1, 6, 4, 5])));
    });
    assert.equal(root.multiplyAdds, 0);
    assert.deepEqual(uncounted, { "aten::empty": 1, "aten::group_norm": 1, "aten::gelu": 1 });
  });
});

describe("networks with known numbers", () => {
  test("ResNet-50 at 224×224, without its classifier of 2048×1000", () => {
    const resnet = described(() => new ResNet("resnet50"), [1, 3, 224, 224]);
    assert.equal(resnet.parameters.trained, 25_557_032 - 2_049_000); // torchvision's
    assert.equal(resnet.multiplyAdds, 4_089_184_256 - 2_048_000); // 4.09 G, as torchvision's table says
    assert.deepEqual(resnet.output, {
      layer1: [1, 256, 56, 56],
      layer2: [1, 512, 28, 28],
      layer3: [1, 1024, 14, 14],
      layer4: [1, 2048, 7, 7],
    });
  });

  /** SAM's encoder from its definition. */
  function encoderMultiplyAdds(config: SamEncoderConfig, height: number, width: number): number {
    const { embedDim: c, patchSize: p, depth, windowSize, globalAttnIndexes, mlpRatio, outChans } = config;
    const [h, w] = [height / p, width / p];
    // For every token: qkv and proj; q·k and ·v with every place of its window, also beyond the map; relative positions.
    const attention = (rows: number, columns: number) =>
      h * w * (4 * c * c + 2 * rows * columns * c + (rows + columns) * c);
    let total = h * w * 3 * p * p * c + h * w * (c * outChans + 9 * outChans * outChans);
    for (let i = 0; i < depth; i++) {
      const isGlobal = globalAttnIndexes.includes(i);
      total += (isGlobal ? attention(h, w) : attention(windowSize, windowSize)) + h * w * 2 * mlpRatio * c * c;
    }
    return total;
  }

  for (const [name, parameters, height, width] of [
    ["sam-vit-b", 89_670_912, 1024, 1024],
    ["sam-vit-h", 637_026_048, 1024, 1024],
    ["sam-vit-b", 89_670_912, 512, 768],
  ] as const)
    test(`SAM's ${name} at ${width}×${height}`, () => {
      const encoder = described(() => new SamImageEncoder(samEncoders[name]), [1, 3, height, width]);
      assert.equal(encoder.parameters.trained, parameters);
      assert.equal(encoder.multiplyAdds, encoderMultiplyAdds(samEncoders[name], height, width));
      assert.deepEqual(encoder.output, [1, 256, height / 16, width / 16]);
    });

  test("the paper's network: frozen and trained apart, in seconds, without its 2.7 GB", () => {
    const before = { live: liveTensors().count, rss: process.memoryUsage().rss, at: performance.now() };
    const { root, weightBytes } = describeNetwork(() => new AdSam(paperConfig), { height: 1024, width: 1024 });
    assert.equal(root.parameters.frozen, 637_026_048);
    assert.equal(weightBytes.frozen, 4 * 637_026_048);
    assert.equal(weightBytes.trained, 4 * root.parameters.trained);
    assert.ok(weightBytes.buffers > 0); // running statistics
    assert.deepEqual(root.output, [1, 19, 1024, 1024]);
    assert.ok(process.memoryUsage().rss - before.rss < 300e6, `${(process.memoryUsage().rss - before.rss) / 1e6} MB`);
    assert.ok(performance.now() - before.at < 60_000);
    assert.equal(liveTensors().count, before.live);
  });
});

describe("the tree", () => {
  for (const decoder of ["deformable-attention", "deformable-convolution"] as const)
    test(`shapes without data are those of a real run (${decoder})`, () => {
      const config = { ...tinyConfig, decoder };
      const shapes = describeNetwork(() => new AdSam(config), { height: 64, width: 96 }, 2);
      using network = new AdSam(config).eval();
      const real = () =>
        scope(() => {
          const image = empty([2, 3, 64, 96], { dtype: network.parameters()[0]!.dtype }).zero_();
          return describeModule(network, () => network.call({ image }));
        });
      assert.deepEqual(shapes.weightBytes, real().weightBytes);
      network.to({ dtype: "float64" }); // float32 layers over tokens are computed together, several modules at once
      assert.deepEqual(shapes.root, real().root);
    });

  test("a module holds the sums of what is below it, and a batch of two is twice the work", () => {
    const size = { height: 96, width: 64 };
    const { root } = describeNetwork(() => new AdSam(tinyConfig), size);
    const visit = (module: ModuleDescription): void => {
      const below = module.children.reduce((sum, child) => sum + child.multiplyAdds, 0);
      assert.ok(module.multiplyAdds >= below, module.name);
      for (const child of module.children) visit(child);
    };
    visit(root);
    assert.equal(describeNetwork(() => new AdSam(tinyConfig), size, 2).root.multiplyAdds, 2 * root.multiplyAdds);
    const names = root.children.map(({ name }) => name);
    assert.deepEqual(names, ["sam_encoder", "resnet_encoder", "fusion_layers", "up1", "up2", "up3", "classifier"]);
    const attention = root.children[2]!.children[0]!.children.find(({ name }) => name === "channel_attention")!;
    assert.equal(attention.children[0]!.calls, 2); // the mean's and the peak's
  });

  test("what a module computes after a call below it is its own", () => {
    class Both extends nn.Module {
      readonly first = new nn.Linear(5, 7);
      forward(x: Tensor): Tensor {
        return this.first.call(x).matmul(empty([7, 3]));
      }
    }
    const both = described(() => new Both(), [2, 5]);
    assert.equal(both.children[0]!.multiplyAdds, 2 * 5 * 7);
    assert.equal(both.multiplyAdds, 2 * 5 * 7 + 2 * 7 * 3);
  });

  test("nothing is left on a module that was watched, nor after an error", () => {
    scope(() => {
      using layers = new nn.Sequential(new nn.Linear(3, 2));
      describeModule(layers, () => layers.call(empty([1, 3])));
      assert.throws(() => describeModule(layers, () => noGrad(() => layers.call(empty([1, 4])))));
      for (const [, module] of layers.modules()) assert.ok(!Object.hasOwn(module, "call"));
    });
  });
});

describe("adsam describe", () => {
  test("a checkpoint, as a tree and as JSON", async (t) => {
    const checkpoint = tinyCheckpoint(path.join(await temporaryFolder(t), "tiny.pth"));
    const { stdout, stderr, status } = adsam(checkpoint, "--depth", "1", "--size", "64x96");
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /one picture of 96×64 \(width×height\), 19 classes\ntrained for 3 epochs, 30 steps/);
    assert.match(stdout, /\n {2}classifier +Sequential +1×19×16×24 /);
    assert.doesNotMatch(stdout, /\n {4}\S/);
    const json = JSON.parse(adsam(checkpoint, "--json", "--size", "64x96").stdout);
    assert.equal(json.modules.multiplyAdds, json.multiplyAdds);
    assert.deepEqual(json.modules, describeNetwork(() => new AdSam(tinyConfig), { height: 64, width: 96 }).root);
    const refused = adsam(checkpoint, "--model.decoder", "deformable-convolution");
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /found --model\.decoder, expected no change to the network that is in it/);
  });

  test("a recipe with flags over it", async (t) => {
    const recipe = path.join(await temporaryFolder(t), "small.yaml");
    writeFileSync(recipe, "model: { encoder: nano, resnet: resnet18 }\ninput: { height: 64, width: 64 }\n");
    const { stdout } = adsam(recipe, "--model.encoder", "none", "--depth", "0");
    assert.match(stdout, /one picture of 64×64/);
    assert.match(stdout, /and 0 frozen\n/);
    assert.equal(adsam(recipe, "--depth", "x").status, 1);
    assert.match(adsam("no.pth").stderr, /no\.pth/);
    const baseline = adsam("--model.name", "sam", "--model.encoder", "nano", "--size", "64").stdout;
    assert.match(baseline, /^SAM, the paper's baseline {2}one picture of 64×64/);
    assert.match(baseline, /\n {2}head +Sequential +1×19×4×4 /);
  });
});
