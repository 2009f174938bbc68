import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type nn, saveCheckpoint, saveSafetensors, scope, type Tensor, zeros } from "@adsam/torch";
import { buildEncoder } from "../src/models/encoders.js";
import { ResNet } from "../src/models/resnet.js";
import { samEncoders } from "../src/models/sam/config.js";
import { buildSam } from "../src/models/sam/sam.js";
import { contentOf, type FileContent } from "../src/weights/content.js";
import { trainedLike, writeAuthors } from "./authors-files.js";
import { huggingFaceName, onMeta, stateOf, temporaryFolder } from "./published-files.js";

/** A file with these names and shapes, and nothing in it. */
function hollow(file: string, module: nn.Module, rename = (name: string) => name): string {
  const state = [...module.stateDict()].map(([name, { shape }]) => [rename(name), zeros(shape)] as const);
  scope(() => saveSafetensors(file, new Map<string, Tensor>(state)));
  return file;
}

test("a network is told by its tensors' names, with the sizes that their shapes tell", (t) => {
  const folder = temporaryFolder(t);
  const is = (file: string, family: FileContent["family"], text: string) =>
    assert.deepEqual(contentOf(file), { kind: "network", family, text });
  const file = join(folder, "file");
  const whole = "prompt encoder, mask decoder";
  scope(() => {
    const vitB = onMeta(() => buildSam("sam-vit-b"));
    is(hollow(file, vitB), "sam", `Segment Anything (image encoder sam-vit-b, ${whole})`);
    is(
      hollow(file, vitB, huggingFaceName),
      "hugging-face-sam",
      `Hugging Face's SAM (image encoder sam-vit-b, ${whole})`,
    );
    is(
      hollow(
        file,
        onMeta(() => buildSam("mobile-sam")),
      ),
      "mobile-sam",
      `MobileSAM (image encoder mobile-sam, ${whole})`,
    );
    is(
      hollow(
        file,
        onMeta(() => buildEncoder("nano")),
      ),
      "sam",
      "SAM's image encoder (image encoder nano)",
    );
    is(
      hollow(
        file,
        onMeta(() => new ResNet("resnet34")),
      ),
      "resnet",
      "torchvision's ResNet (ResNet-34)",
    );
    using network = trainedLike({ resnet: "resnet18" });
    is(writeAuthors(file, network), "ad-sam", "AD-SAM (ResNet-18, decoder)");
    saveCheckpoint(file, { model: stateOf(network) });
    is(file, "ad-sam", "AD-SAM (image encoder nano, ResNet-18, decoder)");
    using odd = buildEncoder({ ...samEncoders.nano, depth: 2, globalAttnIndexes: [1] });
    saveCheckpoint(file, odd.stateDict());
    assert.match(contentOf(file).text, /^SAM's image encoder \(image encoder a SAM encoder of imageSize 256, /);
    const torn = new Map([...odd.stateDict()].filter(([name]) => name !== "pos_embed"));
    saveCheckpoint(file, torn);
    is(file, "sam", "SAM's image encoder (an image encoder of unknown sizes)");
  });
});

test("what is no network known here, no readable checkpoint, or no checkpoint, is told as that", (t) => {
  const file = join(temporaryFolder(t), "file.pth");
  const is = (kind: FileContent["kind"], text: string | RegExp) => {
    const content = contentOf(file);
    assert.deepEqual([content.kind, content.family], [kind, null]);
    if (typeof text === "string") assert.equal(content.text, text);
    else assert.match(content.text, text);
  };
  scope(() => {
    saveCheckpoint(file, { "layer.weight": zeros([3, 4]) });
    is("other", "a network with the parameters layer.weight");
    saveCheckpoint(file, { epoch: 3, config: { lr: 0.1 } });
    is("other", "the entries epoch, config");
  });
  writeFileSync(file, readFileSync(file).subarray(0, 300));
  is("unreadable", /no zip directory/);
  writeFileSync(file, "<!doctype html><title>Not found</title>");
  is("none", "an HTML page");
  writeFileSync(file, "");
  is("none", "an empty file");
  writeFileSync(file, Buffer.alloc(4096));
  is("none", "nothing but zeros at its beginning");
});
