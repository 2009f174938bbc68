import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { nn, saveCheckpoint, saveSafetensors, scope } from "@adsam/torch";
import { buildEncoder } from "../src/models/encoders.js";
import { encoderConfigOf, encoderOf, encoderTitle, type Shapes } from "../src/models/published/encoder-config.js";
import { type SamEncoderConfig, samEncoders } from "../src/models/sam/config.js";
import { buildSam } from "../src/models/sam/sam.js";
import { onMeta, stateOf, temporaryFolder } from "./published-files.js";

for (const [name, config] of Object.entries(samEncoders))
  test(`${name} is told by its shapes`, () => {
    const shapes = onMeta(() => buildEncoder(config)).stateDict();
    assert.deepEqual(encoderConfigOf(shapes, "shapes"), config);
    assert.equal(encoderTitle(config), name);
  });

const odd: SamEncoderConfig = {
  imageSize: 120,
  patchSize: 8,
  embedDim: 30,
  depth: 3,
  numHeads: 5,
  mlpRatio: 3.5,
  windowSize: 4,
  globalAttnIndexes: [0, 2],
  outChans: 24,
};

test("an encoder of one's own is told, and built from what was told", () => {
  const shapes = onMeta(() => buildEncoder(odd)).stateDict();
  const found = encoderConfigOf(shapes, "shapes");
  assert.deepEqual(found, odd);
  const again = onMeta(() => buildEncoder(found)).stateDict();
  assert.deepEqual(
    [...again].map(([key, { shape }]) => [key, shape]),
    [...shapes].map(([key, { shape }]) => [key, shape]),
  );
  assert.match(encoderTitle(odd), /^a SAM encoder of imageSize 120, patchSize 8, embedDim 30, depth 3/);
});

test("encoderOf reads a file: SAM whole, an encoder alone, MobileSAM", (t) => {
  const folder = temporaryFolder(t);
  scope(() => {
    using sam = nn.init.skipInit(() => buildSam(odd));
    using mobile = nn.init.skipInit(() => buildEncoder("mobile-sam"));
    saveCheckpoint(join(folder, "sam"), sam.stateDict());
    saveSafetensors(join(folder, "encoder"), sam.imageEncoder.stateDict());
    saveCheckpoint(join(folder, "mobile"), stateOf(mobile, "image_encoder."));
  });
  assert.deepEqual(encoderOf(join(folder, "sam")), odd);
  assert.deepEqual(encoderOf(join(folder, "encoder")), odd);
  assert.equal(encoderOf(join(folder, "mobile")), "mobile-sam");
});

/** The odd encoder's shapes with some changed, or taken away. */
function changed(changes: Readonly<Record<string, readonly number[] | undefined>>): Shapes {
  const shapes = new Map<string, { shape: readonly number[] }>(onMeta(() => buildEncoder(odd)).stateDict());
  for (const [name, shape] of Object.entries(changes)) {
    if (shape === undefined) shapes.delete(name);
    else shapes.set(name, { shape });
  }
  return shapes;
}

const window = (side: number) => ({
  "blocks.1.attn.rel_pos_h": [2 * side - 1, 6],
  "blocks.1.attn.rel_pos_w": [2 * side - 1, 6],
});

const refusals: readonly [string, Readonly<Record<string, readonly number[] | undefined>>, RegExp][] = [
  ["no absolute positions", { pos_embed: undefined }, /found no "pos_embed"/],
  ["no relative positions", { "blocks.1.attn.rel_pos_w": undefined }, /found no "blocks\.1\.attn\.rel_pos_w"/],
  [
    "a picture that is not square",
    { pos_embed: [1, 15, 10, 30] },
    /found positions for 10×15 patches, expected a square/,
  ],
  ["positions as a list of tokens", { pos_embed: [1, 226, 30] }, /found "pos_embed" of shape \[1, 226, 30\]/],
  ["heads that do not divide", { "blocks.0.attn.rel_pos_h": [29, 7] }, /found heads of 7 for 30 channels/],
  ["an even number of positions", { "blocks.1.attn.rel_pos_h": [8, 6] }, /found 8 and 7 relative positions in block 1/],
  [
    "windows of two sizes",
    { ...window(5), "blocks.0.attn.rel_pos_h": [7, 6], "blocks.0.attn.rel_pos_w": [7, 6] },
    /4, 5 tokens/,
  ],
  [
    "no blocks",
    Object.fromEntries(
      [...changed({}).keys()].filter((name) => name.startsWith("blocks")).map((name) => [name, undefined]),
    ),
    /no "blocks\.0/,
  ],
  [
    "a gap between blocks",
    Object.fromEntries(
      [...changed({}).keys()].filter((name) => name.startsWith("blocks.1.")).map((name) => [name, undefined]),
    ),
    /found 2 blocks, number 1 not among them/,
  ],
];
for (const [title, changes, message] of refusals)
  test(`refused: ${title}`, () =>
    assert.throws(() => encoderConfigOf(changed(changes), "checkpoint"), { name: "Problem", message }));

test("attention over the whole map in every block is told as that", () => {
  const { windowSize, globalAttnIndexes } = encoderConfigOf(changed(window(15)), "shapes") as SamEncoderConfig;
  assert.deepEqual([windowSize, globalAttnIndexes], [15, [0, 1, 2]]);
});
