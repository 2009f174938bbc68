import assert from "node:assert/strict";
import { test } from "node:test";
import { buildEncoder, type EncoderSpec } from "../src/models/encoders.js";
import { huggingFaceNames } from "../src/models/published/hugging-face-names.js";
import { recognisePublished } from "../src/models/published/recognise.js";
import { renamer } from "../src/models/published/rename.js";
import { buildSam } from "../src/models/sam/sam.js";
import { huggingFaceName, huggingFaceStateNames, onMeta } from "./published-files.js";

const duplicate = "shared_image_embedding.positional_embedding";

for (const [name, depth] of [
  ["sam-vit-b", 12],
  ["sam-vit-l", 24],
  ["sam-vit-h", 32],
] as const)
  test(`${name}: every tensor has exactly one name at Hugging Face, and none of theirs is left over but the known duplicate`, () => {
    const own = [
      ...onMeta(() => buildSam(name))
        .stateDict()
        .keys(),
    ];
    const rename = renamer(huggingFaceNames);
    const sources = new Map<string, string[]>();
    for (const there of huggingFaceStateNames(depth)) {
      if (there === duplicate) continue;
      const here = rename(there);
      assert.ok(here !== undefined, `no line for ${there}`);
      sources.set(here, [...(sources.get(here) ?? []), there]);
    }
    assert.deepEqual([...sources.keys()].sort(), own.sort());
    assert.deepEqual(
      [...sources].filter(([, names]) => names.length !== 1),
      [],
    );
    for (const name of own) assert.equal(rename(huggingFaceName(name)), name);
    assert.equal(rename(duplicate), "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix");
  });

test("no line of the table is idle", () => {
  const names = huggingFaceStateNames(2);
  for (const line of huggingFaceNames)
    assert.ok(
      names.some((name) => renamer([line])(name) !== undefined),
      `${line[0]} stands for nothing`,
    );
});

test("names that look alike do not pass: a point is a point, a number a number", () => {
  const rename = renamer([["a.#.b.*", "c.#.*"]]);
  assert.equal(rename("a.12.b.x.y"), "c.12.x.y");
  for (const name of ["a.b.b.x", "axb.b.x", "a.1xb.x", "za.1.b.x", "a.1.b"]) assert.equal(rename(name), undefined);
});

const samNames = () => [
  ...onMeta(() => buildSam("sam-vit-b"))
    .stateDict()
    .keys(),
];
const encoderNames = (name: EncoderSpec) => [
  ...onMeta(() => buildEncoder(name))
    .stateDict()
    .keys(),
];
const resnet = ["conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer4.0.conv1.weight", "fc.weight"];
const adSam = [
  "resnet_encoder.conv1.weight",
  "up1.conv.0.conv.weight",
  "up3.conv.0.conv.weight",
  "classifier.0.weight",
];
const behind = (prefix: string, names: readonly string[]) => names.map((name) => prefix + name);

const cases: readonly [string, () => readonly string[], string, readonly string[]][] = [
  ["Meta's SAM", samNames, "sam", ["sam", "encoder"]],
  ["SAM behind DataParallel and Lightning", () => behind("model.module.", samNames()), "sam", ["sam", "encoder"]],
  ["SAM's encoder, called as in SAM", () => behind("image_encoder.", encoderNames("sam-vit-b")), "sam", ["encoder"]],
  ["SAM's encoder alone", () => encoderNames("sam-vit-b"), "sam", ["encoder"]],
  ["SAM's encoder out of AD-SAM", () => behind("sam_encoder.", encoderNames("nano")), "sam", ["encoder"]],
  [
    "MobileSAM",
    () => [...behind("image_encoder.", encoderNames("mobile-sam")), "mask_decoder.iou_token.weight"],
    "mobile-sam",
    ["sam", "encoder"],
  ],
  ["MobileSAM's encoder alone", () => encoderNames("mobile-sam"), "mobile-sam", ["encoder"]],
  ["SAM-HQ, for its encoder", () => [...samNames(), "mask_decoder.hf_token.weight"], "sam", ["encoder"]],
  [
    "Hugging Face's SAM-HQ, for its encoder",
    () => [...huggingFaceStateNames(12), "mask_decoder.hq_token.weight"],
    "hugging-face-sam",
    ["encoder"],
  ],
  ["Hugging Face's SAM", () => huggingFaceStateNames(12), "hugging-face-sam", ["sam", "encoder"]],
  ["the same, wrapped", () => behind("sam.", huggingFaceStateNames(12)), "hugging-face-sam", ["sam", "encoder"]],
  [
    "Hugging Face's encoder alone",
    () => huggingFaceStateNames(12).filter((name) => name.startsWith("vision_encoder.")),
    "hugging-face-sam",
    ["encoder"],
  ],
  [
    "the SAM baseline, for its encoder",
    () => ["head.0.weight", ...behind("sam_encoder.", encoderNames("nano"))],
    "around-sam",
    ["encoder"],
  ],
  ["torchvision's ResNet", () => resnet, "resnet", ["resnet"]],
  [
    "torchvision's DeepLabV3",
    () => [...behind("backbone.", resnet), "classifier.0.convs.0.0.weight", "aux_classifier.0.weight"],
    "deeplabv3",
    ["deeplabv3", "resnet"],
  ],
  ["AD-SAM", () => adSam, "ad-sam", ["ad-sam", "resnet"]],
  [
    "AD-SAM with its encoder",
    () => [...adSam, ...behind("sam_encoder.", encoderNames("nano"))],
    "ad-sam",
    ["ad-sam", "resnet", "encoder"],
  ],
];

for (const [title, names, family, parts] of cases)
  test(`recognised: ${title}`, () => {
    const found = recognisePublished(names());
    assert.equal(found.family, family);
    assert.deepEqual([...found.parts.keys()], parts);
    assert.equal(new Set(found.names.values()).size, found.names.size, "a tensor of the file stands for one of ours");
    assert.equal(found.names.size + found.duplicates.length, names().length, "no name is lost");
  });

test("the ablation without deformable layers: the authors' bare convolutions are called as here", () => {
  const names = ["up1.conv.0.weight", "up3.conv.3.bias", "fusion_layers.0.fusion_conv.weight", "classifier.0.weight"];
  const norm = "up1.conv.1.weight";
  assert.deepEqual(
    [...recognisePublished([...names, norm]).names.keys()],
    [
      "up1.conv.0.conv.weight",
      "up3.conv.3.conv.bias",
      "fusion_layers.0.fusion_conv.conv.weight",
      "classifier.0.weight",
      norm,
    ],
  );
});

const strangers: readonly [string, readonly string[], RegExp][] = [
  [
    "SAM 2",
    ["image_encoder.trunk.pos_embed", "sam_mask_decoder.iou_token.weight"],
    /found SAM 2, which is another network/,
  ],
  [
    "another network",
    ["encoder.layer.0.weight"],
    /found a network with the parameters encoder\.layer\.0\.weight, expected SAM/,
  ],
  ["nothing", [], /found a network with the parameters of none/],
];
for (const [title, names, message] of strangers)
  test(`refused: ${title}`, () => assert.throws(() => recognisePublished(names), { name: "Problem", message }));
