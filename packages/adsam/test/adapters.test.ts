import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Generator, nn, noGrad, optim, randn, scope } from "@adsam/torch";
import { type AdapterKind, adapt, isAdapterName } from "../src/models/adapters/adapt.js";
import { ConvLora } from "../src/models/adapters/conv-lora.js";
import { buildEncoder, type EncoderSpec, type ImageEncoder } from "../src/models/encoders.js";
import { mobileSamConfig } from "../src/models/mobile-sam/config.js";
import { SamBaseline } from "../src/models/sam-baseline.js";

const tinyTinyVit: EncoderSpec = {
  ...mobileSamConfig,
  embedDims: [16, 32, 48, 64],
  depths: [1, 1, 2, 1],
  numHeads: [1, 2, 3, 4],
  outChans: 32,
  numClasses: 0,
};

function built(spec: EncoderSpec): ImageEncoder {
  Generator.default().seed(3);
  return buildEncoder(spec).eval();
}

for (const [name, spec, kinds] of [
  ["SAM's ViT", "nano", ["lora", "convlora", "adaptformer"]],
  ["TinyViT", tinyTinyVit, ["lora", "adaptformer"]],
] as const satisfies readonly (readonly [string, EncoderSpec, readonly AdapterKind[]])[])
  for (const kind of kinds)
    describe(`${kind} in ${name}`, () => {
      test("begins without effect, and adds its names alone", () => {
        using plain = built(spec);
        using adapted = built(spec);
        adapt(adapted, kind, 3);
        noGrad(() =>
          scope(() => {
            const image = randn([2, 3, 96, 64]);
            assert.ok(plain.call(image).sub(adapted.call(image)).abs().max().item() < 1e-5);
          }),
        );
        const names = [...adapted.stateDict().keys()];
        assert.deepEqual(names.filter((one) => !isAdapterName(one)).sort(), [...plain.stateDict().keys()].sort());
        assert.ok(names.some(isAdapterName));
        for (const [one, { requiresGrad }] of adapted.namedParameters())
          assert.equal(requiresGrad, isAdapterName(one), one);
      });

      test("learns: a step changes the embedding, and no weight of the encoder", () => {
        using adapted = built(spec);
        adapt(adapted, kind, 3);
        const trained = [...adapted.namedParameters()].filter(([one]) => isAdapterName(one));
        using optimizer = new optim.SGD(
          trained.map(([, tensor]) => tensor),
          { lr: kind === "convlora" ? 100 : 0.1 }, // ConvLoRA's change is divided by twice its rank
        );
        scope(() => {
          const image = randn([1, 3, 64, 96]);
          const own = [...adapted.namedParameters()].filter(([one]) => !isAdapterName(one));
          const kept = own.map(([, tensor]) => tensor.detach().clone());
          const before = adapted.call(image).detach();
          for (let step = 0; step < 2; step++) {
            optimizer.zeroGrad();
            adapted.call(image).square().mean().backward();
            optimizer.step();
          }
          for (const [one, { grad }] of trained) assert.ok(grad?.any().item(), `${one} got no gradient`);
          assert.ok(adapted.call(image).sub(before).abs().max().item() > 1e-6);
          for (const [i, [one, tensor]] of own.entries()) assert.ok(tensor.equal(kept[i]!), one);
        });
      });
    });

test("LoRA changes queries and values, and leaves keys", () => {
  for (const spec of ["nano", tinyTinyVit] as const) {
    using encoder = built(spec);
    adapt(encoder, "lora", 2);
    const layers = [...encoder.modules()].filter(([name]) => name.endsWith("attn.qkv"));
    const [name, layer] = layers[0]!;
    const state = layer.stateDict();
    const heads = spec === "nano" ? undefined : 2;
    noGrad(() =>
      scope(() => {
        const dim = state.get("linear_a_q.weight")!.size(1);
        const x = randn([5, dim]);
        const before = (layer as ImageEncoder).call(x);
        state.get("linear_b_q.weight")!.fill_(0.5);
        state.get("linear_b_v.weight")!.fill_(-0.25);
        const change = (layer as ImageEncoder).call(x).sub(before);
        const parts = heads === undefined ? change.reshape([5, 1, 3, dim]) : change.reshape([5, heads, 3, dim / heads]);
        const largest = (part: number) => parts.select(2, part).abs().max().item();
        assert.ok(largest(0) > 1e-3 && largest(2) > 1e-3, name);
        assert.ok(largest(1) === 0, name);
        const expected = x.matmul(state.get("linear_a_q.weight")!.transpose(0, 1)).sum([1]).mul(0.5);
        assert.ok(parts.select(2, 0).reshape([5, -1]).sub(expected.unsqueeze(1)).abs().max().item() < 1e-5);
      }),
    );
  }
});

describe("ConvLoRA", () => {
  test("mixes experts that look at the map enlarged, as its code says it", () => {
    using layer = new ConvLora(6, 5);
    noGrad(() =>
      scope(() => {
        layer.lora_B.normal_();
        const maps = randn([2, 4, 7, 6]);
        const x = maps.matmul(layer.lora_A).permute([0, 3, 1, 2]);
        const gate = layer.gate.conv.call(x).relu().softmax(1);
        let mixed = x.mul(0);
        for (const [i, { conv }] of [layer.expert1, layer.expert2, layer.expert3, layer.expert4].entries()) {
          const enlarged = nn.functional.interpolate(x, { size: { height: 4 * (i + 1), width: 7 * (i + 1) } });
          const seen = conv.call(enlarged);
          const back = nn.functional.interpolate(seen, { size: { height: 4, width: 7 } });
          mixed = mixed.add(back.mul(gate.narrow(1, i, 1)));
        }
        const expected = mixed
          .permute([0, 2, 3, 1])
          .matmul(layer.lora_B)
          .mul(0.5 / 5);
        assert.ok(layer.call(maps).sub(expected).abs().max().item() < 1e-6);
      }),
    );
  });

  test("changes keys, too; with a graph and without alike", () => {
    using encoder = built("nano");
    adapt(encoder, "convlora");
    const state = encoder.stateDict();
    assert.deepEqual(state.get("blocks.0.lora_k.lora_A")!.shape, [24, 6]);
    assert.deepEqual(state.get("blocks.3.lora_v.expert4.conv.weight")!.shape, [6, 6, 3, 3]);
    scope(() => {
      const image = randn([2, 3, 160, 96]); // windows of 7 reach beyond 10 × 6 tokens
      const before = noGrad(() => encoder.call(image));
      for (const part of ["q", "k", "v"]) {
        noGrad(() => state.get(`blocks.0.lora_${part}.lora_B`)!.normal_());
        const inferred = noGrad(() => encoder.call(image));
        assert.ok(inferred.sub(before).abs().max().item() > 1e-4, part);
        assert.ok(encoder.call(image).sub(inferred).abs().max().item() < 1e-4, part);
        noGrad(() => state.get(`blocks.0.lora_${part}.lora_B`)!.fill_(0));
      }
    });
  });

  test("has no place in TinyViT", () => {
    using encoder = built(tinyTinyVit);
    assert.throws(() => adapt(encoder, "convlora"), /TinyVit.*a ViT of SAM's/s);
  });
});

describe("SAM as the baseline", () => {
  test("is a frozen encoder under a head that learns; an embedding given is the encoder's own", () => {
    Generator.default().seed(1);
    using network = new SamBaseline({ encoder: "nano", numClasses: 5 });
    const { trained, frozen } = network.parameterCount();
    assert.equal(frozen, network.samEncoder!.parameterCount().frozen);
    assert.equal(trained, 64 * 64 * 9 + 2 * 64 + 64 * 5 + 5);
    scope(() => {
      const image = randn([2, 3, 64, 96]);
      const logits = network.call({ image });
      assert.deepEqual(logits.shape, [2, 5, 64, 96]);
      const samEmbedding = network.samEncoder!.call(image);
      assert.ok(network.call({ image, samEmbedding }).equal(logits));
      logits.square().sum().backward();
      for (const [name, { grad }] of network.namedParameters())
        assert.equal(grad !== undefined, name.startsWith("head."), name);
    });
    using bare = new SamBaseline({ encoder: "nano", embeddingOnly: true });
    assert.equal(bare.samEncoder, undefined);
    scope(() => assert.throws(() => bare.call({ image: randn([1, 3, 32, 32]) }), /no embedding/));
  });
});
