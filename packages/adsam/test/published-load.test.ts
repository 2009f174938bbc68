import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import {
  liveTensors,
  nn,
  openCheckpoint,
  saveCheckpoint,
  saveSafetensors,
  scope,
  type Tensor,
  zeros,
} from "@adsam/torch";
import { AdSam, type AdSamConfig } from "../src/models/ad-sam.js";
import { buildEncoder } from "../src/models/encoders.js";
import { PublishedFile } from "../src/models/published/published-file.js";
import { ResNet } from "../src/models/resnet.js";
import { type SamEncoderConfig, samEncoders } from "../src/models/sam/config.js";
import { buildSam, type Sam } from "../src/models/sam/sam.js";
import { loadAdSamWeights, loadEncoderWeights, loadResNetWeights, loadSamWeights } from "../src/models/weights.js";
import { different, fillDistinctly, huggingFaceName, stateOf, temporaryFolder } from "./published-files.js";

/** SAM with numbers that no two tensors share. */
function distinctSam(): Sam {
  const sam = nn.init.skipInit(() => buildSam("nano"));
  fillDistinctly(sam);
  return sam;
}

const freshSam = () => nn.init.skipInit(() => buildSam("nano"));

/** The state of `sam` as `SamModel.state_dict()` has it: one tensor under two names. */
function huggingFaceState(sam: Sam): Map<string, Tensor> {
  const state = new Map([...sam.stateDict()].map(([name, tensor]) => [huggingFaceName(name), tensor]));
  return state.set(
    "shared_image_embedding.positional_embedding",
    state.get("prompt_encoder.shared_embedding.positional_embedding")!,
  );
}

test("SAM comes back the same from every form: archive, safetensors, half precision, wrapped, Hugging Face's names", (t) => {
  const folder = temporaryFolder(t);
  const file = (name: string) => join(folder, name);
  scope(() => {
    using sam = distinctSam();
    const state = sam.stateDict();
    saveCheckpoint(file("plain"), state);
    saveSafetensors(file("safetensors"), state);
    saveCheckpoint(file("wrapped"), { epoch: 3, model: stateOf(sam, "module."), optimizer: { state: {} } });
    saveCheckpoint(file("float64"), new Map([...state].map(([name, one]) => [name, one.to({ dtype: "float64" })])));
    saveCheckpoint(file("strided"), new Map([...state].map(([name, one]) => [name, strided(one)])));
    const theirs = huggingFaceState(sam);
    saveSafetensors(file("hugging-face"), theirs);
    theirs.delete("prompt_encoder.shared_embedding.positional_embedding");
    saveSafetensors(file("hugging-face-shared"), theirs);
    const extra = new Map([...state, ["pixel_mean", zeros([3, 1, 1])], ["pixel_std", zeros([3, 1, 1])]]);
    saveCheckpoint(file("with-normalisation"), extra as Map<string, Tensor>);
    for (const form of [
      "plain",
      "safetensors",
      "wrapped",
      "float64",
      "strided",
      "hugging-face",
      "hugging-face-shared",
      "with-normalisation",
    ]) {
      using fresh = freshSam();
      loadSamWeights(fresh, file(form));
      assert.deepEqual(different(sam, fresh), [], form);
      using encoder = nn.init.skipInit(() => buildEncoder("nano"));
      loadEncoderWeights(encoder, file(form));
      assert.deepEqual(different(sam.imageEncoder, encoder), [], `${form}, encoder`);
    }
  });
});

/** The same values with the last axis not the innermost. */
function strided(tensor: Tensor): Tensor {
  return tensor.rank < 2 ? tensor : tensor.transpose(0, 1).contiguous().transpose(0, 1);
}

test("half precision is widened, value for value", (t) => {
  const path = join(temporaryFolder(t), "half");
  scope(() => {
    using sam = distinctSam();
    const half = new Map([...sam.stateDict()].map(([name, one]) => [name, one.to({ dtype: "float16" })]));
    saveSafetensors(path, half);
    using fresh = freshSam();
    loadSamWeights(fresh, path);
    for (const [name, tensor] of fresh.stateDict()) {
      assert.equal(tensor.dtype, "float32");
      assert.ok(tensor.equal(half.get(name)!.to({ dtype: "float32" })), name);
    }
  });
});

test("shards: by their index, by their folder; each tensor from the shard that the index names", (t) => {
  const folder = temporaryFolder(t);
  scope(() => {
    using sam = distinctSam();
    const index = writeShards(folder, huggingFaceState(sam));
    for (const path of [index, folder]) {
      using fresh = freshSam();
      loadSamWeights(fresh, path);
      assert.deepEqual(different(sam, fresh), []);
    }
    rmSync(join(folder, "model-00002-of-00003.safetensors"));
    assert.throws(() => loadSamWeights(freshSam(), folder), /found 2 of its 3 files/);
  });
});

/** Three shards and their index, as `save_pretrained` with a small `max_shard_size` writes them. */
function writeShards(folder: string, state: ReadonlyMap<string, Tensor>): string {
  const names = [...state.keys()];
  const map: Record<string, string> = {};
  for (const shard of [0, 1, 2]) {
    const file = `model-0000${shard + 1}-of-00003.safetensors`;
    const own = names.filter((_, i) => i % 3 === shard);
    saveSafetensors(join(folder, file), new Map(own.map((name) => [name, state.get(name)!])), { format: "pt" });
    for (const name of own) map[name] = file;
  }
  const index = join(folder, "model.safetensors.index.json");
  writeFileSync(index, JSON.stringify({ metadata: { total_size: 1 }, weight_map: map }));
  return index;
}

test("two names of one tensor with different values are refused", (t) => {
  const path = join(temporaryFolder(t), "sam");
  scope(() => {
    using sam = distinctSam();
    const state = huggingFaceState(sam);
    state.set("shared_image_embedding.positional_embedding", zeros([2, 32]));
    saveSafetensors(path, state);
    assert.throws(
      () => loadSamWeights(freshSam(), path),
      /positional_embedding" with different values, expected one tensor/,
    );
  });
});

test("nothing is loaded in part: what is missing, too much or of another shape is listed, and the network stays as it was", (t) => {
  const path = join(temporaryFolder(t), "sam");
  scope(() => {
    using sam = distinctSam();
    const state = huggingFaceState(sam);
    state.set("vision_encoder.neck.conv_1.weight", state.get("vision_encoder.neck.conv1.weight")!);
    state.delete("vision_encoder.layers.2.attn.proj.bias");
    state.set("mask_decoder.iou_token.weight", zeros([2, 64]));
    saveSafetensors(path, state);
    using fresh = freshSam();
    fillDistinctly(fresh);
    nn.init.zeros_(fresh.maskDecoder.iouToken.weight);
    assert.throws(() => loadSamWeights(fresh, path), {
      name: "Problem",
      message:
        `checkpoint "${path}" (Hugging Face's SAM) does not fit Sam: found 1 missing: image_encoder.blocks.2.attn.proj.bias; ` +
        "1 unexpected: vision_encoder.neck.conv_1.weight; " +
        "1 unlike: mask_decoder.iou_token.weight float32 [2, 64] instead of float32 [1, 64], " +
        `expected ${fresh.stateDict().size} tensors named and shaped as this network's. Check that the file belongs to this network ` +
        "and that the configuration (sizes, decoder, number of classes) is the one it was trained with.",
    });
    assert.deepEqual(different(sam, fresh), ["mask_decoder.iou_token.weight"]);
  });
});

test("a missing name has the closest of the file beside it", (t) => {
  const path = join(temporaryFolder(t), "encoder");
  scope(() => {
    using encoder = nn.init.skipInit(() => buildEncoder("nano"));
    const state = stateOf(encoder);
    for (const name of ["neck.2.weight", "neck.3.weight", "neck.3.bias"]) {
      state.set(name.replace("neck.2", "neck.conv2").replace("neck.3", "neck.layer_norm2"), state.get(name)!);
      state.delete(name);
    }
    saveSafetensors(path, state);
    assert.throws(
      () => loadEncoderWeights(encoder, path),
      (problem: Error) => {
        assert.match(problem.message, /3 missing: neck\.2\.weight \(closest in the file: neck\.conv2\.weight\)/);
        assert.match(problem.message, /neck\.conv2\.weight \(closest in the network: neck\.2\.weight\)/);
        return true;
      },
    );
  });
});

test("an encoder of other sizes is told in one sentence, not in hundreds of tensors", (t) => {
  const path = join(temporaryFolder(t), "encoder");
  scope(() => {
    using nano = nn.init.skipInit(() => buildEncoder("nano"));
    const refused = (config: Partial<SamEncoderConfig>, message: RegExp) => {
      using encoder = nn.init.skipInit(() => buildEncoder({ ...samEncoders.nano, ...config }));
      saveSafetensors(path, encoder.stateDict());
      assert.throws(() => loadEncoderWeights(nano, path), { name: "Problem", message });
    };
    refused(
      { depth: 2 },
      /found a SAM encoder of imageSize 256, .* depth 2, .*, expected nano\. Build the network by the sizes of the file/,
    );
    refused(
      { imageSize: 512 },
      /found positions for pictures of 512 pixels, expected 256, as this encoder was built\. Weights are loaded at the size they were trained on\. Build the encoder with imageSize 512: it takes pictures of any size/,
    );
  });
});

test("adapters that no published file has keep their values where they are declared", (t) => {
  const path = join(temporaryFolder(t), "encoder");
  scope(() => {
    using encoder = nn.init.skipInit(() => buildEncoder("nano"));
    fillDistinctly(encoder);
    saveSafetensors(path, encoder.stateDict());
    using adapted = nn.init.skipInit(() => buildEncoder("nano"));
    Object.assign(adapted, { adapter: new nn.Linear(2, 2) });
    assert.throws(() => loadEncoderWeights(adapted, path), /2 missing: adapter\.weight, adapter\.bias/);
    loadEncoderWeights(adapted, path, { optional: (name) => name.startsWith("adapter.") });
    assert.deepEqual(different(encoder, adapted), []);
  });
});

const small: Partial<AdSamConfig> = {
  encoder: "nano",
  resnet: "resnet18",
  decoder: "deformable-convolution",
  fusionDim: 32,
  decoderDims: [32, 16, 16],
};

test("the authors' training checkpoint: trained weights and normalisation; the frozen encoder keeps its own", (t) => {
  const path = join(temporaryFolder(t), "adsam.pth");
  scope(() => {
    using network = new AdSam(small);
    fillDistinctly(network);
    const trained = new Map([...network.stateDict()].filter(([name]) => !name.startsWith("sam_encoder.")));
    const constants = ["_imgnet_mean", "_imgnet_std", "_sam_mean", "_sam_std"].map((name) => [
      name,
      zeros([1, 3, 1, 1]),
    ]);
    const model = new Map([...(constants as [string, Tensor][]), ...trained]);
    saveCheckpoint(path, { epoch: 5, best_miou: 0.5, model_state_dict: model, run_id: "ADSAM_x", ablation: "full" });
    using fresh = new AdSam(small);
    using encoderBefore = nn.init.skipInit(() => buildEncoder("nano"));
    encoderBefore.loadStateDict(fresh.samEncoder!.stateDict());
    assert.deepEqual(loadAdSamWeights(fresh, path), { encoder: false });
    assert.deepEqual(different(encoderBefore, fresh.samEncoder!), []);
    assert.ok(different(network, fresh).every((name) => name.startsWith("sam_encoder.")));
    using resnet = new ResNet("resnet18");
    loadResNetWeights(resnet, path);
    assert.deepEqual(different(network.resnetEncoder!, resnet), []);
  });
});

test("a checkpoint with the encoder in it fills the encoder, and fits a network that has none", (t) => {
  const path = join(temporaryFolder(t), "adsam.pth");
  scope(() => {
    using network = new AdSam(small);
    fillDistinctly(network);
    saveCheckpoint(path, { model_state_dict: stateOf(network, "module.") });
    using whole = new AdSam(small);
    assert.deepEqual(loadAdSamWeights(whole, path), { encoder: true });
    assert.deepEqual(different(network, whole), []);
    using bare = new AdSam({ ...small, embeddingOnly: true });
    loadAdSamWeights(bare, path);
    assert.deepEqual(different(bare, network), []);
    using encoder = nn.init.skipInit(() => buildEncoder("nano"));
    loadEncoderWeights(encoder, path);
    assert.deepEqual(different(network.samEncoder!, encoder), []);
  });
});

test("a ResNet from before 0.4.1 counts no batches: the count begins at 0, and the classifier is left", (t) => {
  const path = join(temporaryFolder(t), "resnet18.pth");
  scope(() => {
    using resnet = new ResNet("resnet18");
    fillDistinctly(resnet);
    const old = [...stateOf(resnet)].filter(([name]) => !name.endsWith("num_batches_tracked"));
    saveCheckpoint(
      path,
      new Map([...old, ["fc.weight", zeros([1000, 512])], ["fc.bias", zeros([1000])]] as [string, Tensor][]),
    );
    using fresh = new ResNet("resnet18");
    fillDistinctly(fresh);
    loadResNetWeights(fresh, path);
    for (const [name, tensor] of fresh.stateDict())
      if (name.endsWith("num_batches_tracked")) assert.equal(tensor.item(), 0);
      else assert.ok(tensor.equal(resnet.stateDict().get(name)!), name);
    using other = new ResNet("resnet34");
    assert.throws(() => loadResNetWeights(other, path), /found ResNet-18, expected ResNet-34\./);
  });
});

test("batch counts that only some layers have are missing, not zero", (t) => {
  const path = join(temporaryFolder(t), "resnet18.pth");
  scope(() => {
    using resnet = new ResNet("resnet18");
    const state = stateOf(resnet);
    state.delete("bn1.num_batches_tracked");
    saveCheckpoint(path, state);
    assert.throws(() => loadResNetWeights(resnet, path), /found 1 missing: bn1\.num_batches_tracked, expected/);
  });
});

test("a file that holds another network says what it holds", (t) => {
  const path = join(temporaryFolder(t), "resnet18.pth");
  scope(() => {
    using resnet = new ResNet("resnet18");
    saveCheckpoint(path, resnet.stateDict());
    assert.throws(
      () => loadSamWeights(freshSam(), path),
      /\(?found torchvision's ResNet, which holds a ResNet, expected the whole of SAM/,
    );
    saveCheckpoint(path, { epoch: 4, config: { lr: 0.1 } });
    assert.throws(() => loadSamWeights(freshSam(), path), /found the entries epoch, config, expected tensors by name/);
  });
});

test("a file that is written to while it is read is refused, and a failed load leaves no tensor and no open file", (t) => {
  const path = join(temporaryFolder(t), "sam");
  scope(() => {
    using sam = distinctSam();
    saveSafetensors(path, sam.stateDict());
    const file = new PublishedFile(path);
    appendFileSync(path, "x");
    assert.throws(() => file.assertUnchanged(), /found a file that was written to while it was read/);
    file[Symbol.dispose]();
  });
  const before = liveTensors().count;
  const descriptors = openDescriptors(path);
  assert.throws(() => openCheckpoint(path), { name: "Problem" });
  assert.throws(() => new PublishedFile(path), { name: "Problem" });
  assert.equal(liveTensors().count, before);
  assert.equal(openDescriptors(path), descriptors);
});

/** How often this process has the file open, where /proc tells. */
function openDescriptors(path: string): number {
  try {
    return readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).includes(basename(path));
      } catch {
        return false; // closed meanwhile
      }
    }).length;
  } catch {
    return 0;
  }
}
