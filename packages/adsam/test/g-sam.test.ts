import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Generator, nn, noGrad, randn, saveCheckpoint, scope } from "@adsam/torch";
import { GSam } from "../src/models/g-sam/g-sam.js";
import { MultiScaleAdaptFormer } from "../src/models/g-sam/multi-scale-adapter.js";
import { loadSamIntoGSam } from "../src/models/g-sam/sam-weights.js";
import { samEncoders } from "../src/models/sam/config.js";
import { buildSam } from "../src/models/sam/sam.js";
import { assertClose, fillModule, type GoldenTensor, goldenInput, type InputSpec, loadGolden } from "./golden.js";
import { different, fillDistinctly, temporaryFolder } from "./published-files.js";

interface GSamGolden {
  readonly parameters: number;
  readonly trainable: number;
  readonly parameterNames: Readonly<Record<string, readonly number[]>>;
  readonly inputs: { readonly image: InputSpec };
  readonly lowResLogits: GoldenTensor;
  readonly masks: GoldenTensor;
}

const golden = loadGolden<GSamGolden>("g-sam-vit-b.json");

describe("Generalized SAM, ViT-B", () => {
  test("has the authors' parameters and trains what they train; its masks are theirs", () => {
    using network = nn.init.skipInit(() => new GSam());
    const shapes = new Map([...network.namedParameters()].map(([name, { shape }]) => [name, [...shape]]));
    // The file lists blocks 0 and 2 for all twelve; the totals speak for the others.
    const elsewhere = (name: string) => /\.blocks\.(1|[3-9]|1[01])\./.test(name);
    assert.deepEqual(Object.fromEntries([...shapes].filter(([name]) => !elsewhere(name))), golden.parameterNames);
    const { trained, frozen } = network.parameterCount();
    assert.deepEqual({ trained, all: trained + frozen }, { trained: golden.trainable, all: golden.parameters });
    fillModule(network).eval();
    scope(() => {
      const image = goldenInput("image", golden.inputs.image);
      const inferred = noGrad(() => network.lowResLogits(image));
      assertClose(inferred, golden.lowResLogits, { name: "low-resolution logits, in inference" });
      assertClose(network.call({ image }), golden.masks, { name: "masks, with a graph" });
    });
  });
});

/** ViT of SAM's kind and ResNet as small as they come. */
const small = { encoder: "nano", resnet: "nano", numClasses: 5 } as const;

/** G-SAM with first weights by a seed. */
function built(seed = 3): GSam {
  Generator.default().seed(seed);
  return new GSam(small);
}

describe("Generalized SAM", () => {
  test("takes pictures of any size, in batches whose pictures do not see each other", () => {
    using network = built().eval();
    noGrad(() =>
      scope(() => {
        const image = randn([2, 3, 100, 67]);
        const logits = network.call({ image });
        assert.deepEqual(logits.shape, [2, 5, 100, 67]);
        assert.deepEqual(network.lowResLogits(image).shape, [2, 5, 48, 32]);
        const second = network.call({ image: image.narrow(0, 1, 1) });
        assert.ok(logits.narrow(0, 1, 1).sub(second).abs().max().item() < 1e-5);
        assert.throws(() => network.call({ image: randn([1, 3, 64, 7]) }), /7×64 pixels.*at least 8/s);
      }),
    );
  });

  test("what is trained gets gradients, but what no picture passes; what is frozen gets none", () => {
    using network = built().train();
    scope(() =>
      network
        .call({ image: randn([2, 3, 64, 96]) })
        .square()
        .mean()
        .backward(),
    );
    const unused = /backbone\.(layer4|fc)\.|iou_prediction_head/;
    for (const [name, tensor] of network.namedParameters())
      assert.equal(tensor.grad !== undefined, tensor.requiresGrad && !unused.test(name), name);
    for (const name of [
      "image_encoder.pos_embed.conv.weight",
      "image_encoder.neck.0.weight",
      "image_encoder.blocks.0.attn.rel_pos_h",
    ])
      assert.equal(network.stateDict().get(name)!.requiresGrad, false, name);
    assert.ok(network.stateDict().get("image_encoder.blocks.1.attn.rel_pos_h")!.requiresGrad);
  });

  test("dilated branches leave out taps that see padding alone", () => {
    using adapter = new MultiScaleAdaptFormer(32);
    scope(() => {
      const tokens = randn([2, 5, 26, 32]);
      const map = nn.functional.gelu(adapter.D_fc1.call(tokens)).permute([0, 3, 1, 2]);
      let sum = map;
      for (const [i, { conv }] of [...adapter.aspp.convs].entries()) {
        const seen = i < 4 ? map : map.mean([2, 3], { keepdim: true });
        const { padding, dilation } = conv;
        sum = sum.add(seen.conv2d(conv.weight, { padding, dilation }).relu());
      }
      const expected = adapter.D_fc2.call(sum.permute([0, 2, 3, 1]));
      assert.ok(adapter.call(tokens).sub(expected).abs().max().item() < 1e-5);
    });
  });
});

describe("SAM's checkpoint in G-SAM", () => {
  test("fills what has its name, interpolates global positions, leaves the rest", (t) => {
    const path = join(temporaryFolder(t), "sam.pth");
    using sam = nn.init.skipInit(() => buildSam("nano"));
    fillDistinctly(sam);
    saveCheckpoint(path, sam.stateDict());
    using network = built();
    using before = built();
    loadSamIntoGSam(network, path);
    const [there, was] = [sam.stateDict(), before.stateDict()];
    const counts = { taken: 0, interpolated: 0, kept: 0 };
    scope(() => {
      for (const [name, tensor] of network.stateDict()) {
        const stored = there.get(name);
        const isOwn = /Adapter|cnn_embed|pos_embed|positional_encoder|iou_|mask_tokens|mlps\.4/.test(name);
        const isTable = /blocks\.[13]\.attn\.rel_pos/.test(name);
        if (isOwn) assert.ok(tensor.equal(was.get(name)!), name);
        else if (!isTable) assert.ok(tensor.equal(stored!), name);
        else {
          // By the authors' operator: bilinear over the whole table, whose width stays.
          const [rows, columns] = [63, stored!.size(1)];
          const whole = stored!.unsqueeze(0).unsqueeze(0);
          const size = { height: rows, width: columns };
          const expected = nn.functional.interpolate(whole, { size, mode: "bilinear" }).select(0, 0).select(0, 0);
          assert.ok(tensor.sub(expected).abs().max().item() < 1e-4, name);
        }
        counts[isOwn ? "kept" : isTable ? "interpolated" : "taken"] += 1;
      }
    });
    assert.equal(counts.interpolated, 4);
    assert.equal(counts.taken + 4, [...there.keys()].filter((name) => !/pos_embed|iou_|mask_tokens/.test(name)).length);
  });

  test("of another size is refused, and nothing has changed", (t) => {
    const path = join(temporaryFolder(t), "sam.pth");
    using sam = nn.init.skipInit(() => buildSam({ ...samEncoders.nano, depth: 3 }));
    fillDistinctly(sam);
    saveCheckpoint(path, sam.stateDict());
    using network = built();
    using before = built();
    assert.throws(() => loadSamIntoGSam(network, path), /depth 3.*depth 4/s);
    assert.deepEqual(different(network, before), []);
  });
});
