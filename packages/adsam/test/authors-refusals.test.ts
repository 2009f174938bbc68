import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { liveTensors, saveCheckpoint, scope, type Tensor, zeros } from "@adsam/torch";
import type { AdSamConfig } from "../src/models/ad-sam.js";
import { samEncoders } from "../src/models/sam/config.js";
import { buildSam } from "../src/models/sam/sam.js";
import { loadNetwork, readCheckpoint } from "../src/train/checkpoint.js";
import { authorsState, trainedLike, writeAuthors, writeEncoder } from "./authors-files.js";
import { temporaryFolder } from "./published-files.js";

/** Checkpoints that this process holds open, where the system tells. */
function openFiles(): string[] {
  if (!existsSync("/proc/self/fd")) return [];
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    const link = join("/proc/self/fd", fd);
    return existsSync(link) && readlinkSync(link).endsWith(".pth") ? [readlinkSync(link)] : [];
  });
}

describe("files that are not taken", () => {
  /** What `loadNetwork` says of a file; nothing stays in memory, and no file open. */
  function saysOf(file: string, encoderWeights?: string): string {
    const [before, open] = [liveTensors().count, openFiles()];
    let message = "";
    assert.throws(
      () => loadNetwork(file, encoderWeights === undefined ? {} : { encoderWeights }),
      (error: Error) => {
        message = error.message;
        return error.name === "Problem";
      },
    );
    assert.equal(liveTensors().count, before);
    assert.deepEqual(openFiles(), open);
    return message;
  }

  test("the encoder's file: missing, of another width, not an encoder's, or one too many", (t) => {
    const folder = temporaryFolder(t);
    const cache = process.env.ADSAM_CACHE;
    process.env.ADSAM_CACHE = join(folder, "cache");
    t.after(() => {
      if (cache === undefined) delete process.env.ADSAM_CACHE;
      else process.env.ADSAM_CACHE = cache;
    });
    const file = join(folder, "authors.pth");
    const sam = join(folder, "sam.pth");
    scope(() => {
      using network = trainedLike();
      writeAuthors(file, network);
      writeEncoder(sam, network);
    });
    assert.equal(
      saysOf(file),
      `checkpoint "${file}": found a network on an embedding of 64 channels, and no encoder, expected 256 channels, as the authors' ViT-H has. Name the encoder's checkpoint with --encoder-weights.`,
    );
    assert.match(saysOf(file, join(folder, "none.pth")), /none\.pth/);
    assert.match(saysOf(file, file), /expected an image encoder of SAM/);
    scope(() => {
      using other = trainedLike({ encoder: { ...samEncoders.nano, outChans: 256 } });
      writeAuthors(file, other);
    });
    assert.match(
      saysOf(file, sam),
      /^--encoder-weights ".*sam\.pth": found an encoder \(nano\) whose embedding has 64 channels, expected 256, as/,
    );
    const place = join(process.env.ADSAM_CACHE, "weights", "sam_vit_h_4b8939.pth");
    const missing = saysOf(file);
    assert.ok(
      missing.startsWith(
        `checkpoint "${file}" leaves out the frozen encoder it was trained on: weights "sam-vit-h": found nothing at "${place}", expected sam_vit_h_4b8939.pth (2.56 GB). Run adsam weights fetch sam-vit-h.`,
      ),
      missing,
    );
    assert.ok(missing.endsWith("Or name a file that holds it with --encoder-weights."), missing);
    scope(() => {
      using alone = trainedLike({ encoder: "none" });
      writeAuthors(file, alone);
    });
    assert.match(
      saysOf(file, sam),
      /found a network without SAM's embedding in checkpoint .*Leave --encoder-weights out/,
    );
  });

  test("one tensor missing, one too many, one of another shape: nothing is loaded", (t) => {
    const file = join(temporaryFolder(t), "authors.pth");
    const changed = (change: (state: Map<string, Tensor>) => void): string => {
      scope(() => {
        using network = trainedLike({ encoder: "none" });
        const state = authorsState(network);
        change(state);
        saveCheckpoint(file, { model_state_dict: state });
      });
      return saysOf(file);
    };
    const name = "up2.conv.3.mask_conv.bias";
    assert.match(
      changed((state) => state.delete(name)),
      /found 1 missing: up2\.conv\.3\.mask_conv\.bias/,
    );
    assert.match(
      changed((state) => state.set("up3.extra", zeros([2]))),
      /found 1 unexpected: up3\.extra/,
    );
    assert.match(
      changed((state) => state.set(name, zeros([7]))),
      /found 1 unlike: up2\.conv\.3\.mask_conv\.bias .*\[7\]/,
    );
    assert.match(
      changed((state) => state.delete("classifier.3.weight")),
      /AD-SAM without "classifier\.3\.weight"/,
    );
  });

  test("networks under AD-SAM's names that are other networks", (t) => {
    const file = join(temporaryFolder(t), "authors.pth");
    const saved = (config: Partial<AdSamConfig>, more: Readonly<Record<string, Tensor>> = {}): string => {
      scope(() => {
        using network = trainedLike({ encoder: "none", ...config });
        saveCheckpoint(file, { model_state_dict: new Map([...authorsState(network), ...Object.entries(more)]) });
      });
      return saysOf(file);
    };
    scope(() => {
      assert.match(saved({}, { "up4.conv.0.conv.weight": zeros([16, 16, 3, 3]) }), /a decoder of four stages/);
      assert.match(
        saved({ decoder: "deformable-attention" }),
        /deformable attention, whose heads and points no shape tells/,
      );
      assert.match(
        saved({ resnet: "resnet18", decoderDims: [32, 16, 8], numClasses: 1 }),
        /numClasses: found 1, expected/,
      );
      const plain = ["up1.0.weight", "up2.0.weight", "up3.0.weight", "classifier.0.weight"];
      saveCheckpoint(file, new Map(plain.map((name) => [name, zeros([8, 8, 3, 3])])));
      assert.match(saysOf(file), /found the authors' ablation sam_encoder_only/);
      using sam = buildSam("nano");
      saveCheckpoint(file, sam.stateDict());
      assert.match(
        saysOf(file),
        /^checkpoint ".*": found Segment Anything, expected a checkpoint that `adsam train` wrote, or AD-SAM's weights as/,
      );
      saveCheckpoint(file, { epoch: 3, config: { lr: 0.1 } });
      assert.match(saysOf(file), /found the entries epoch, config, expected a checkpoint that `adsam train` wrote, or/);
    });
    rmSync(file);
    assert.match(saysOf(file), /authors\.pth/);
  });

  test("resuming: said of AD-SAM's weights, and of anything else", (t) => {
    const file = join(temporaryFolder(t), "last.pth");
    scope(() => {
      using network = trainedLike({ encoder: "none" });
      writeAuthors(file, network);
      assert.throws(
        () => readCheckpoint(file),
        /found weights of AD-SAM from elsewhere, without .* optimiser, expected a checkpoint that `adsam train` wrote\. It can be described, scored/,
      );
      saveCheckpoint(file, { epoch: 3 });
      assert.throws(
        () => readCheckpoint(file),
        /found a file with the entries epoch, expected .*best\.pth or last\.pth/,
      );
    });
  });
});
