import { Problem } from "@adsam/torch";
import { type SamEncoderConfig, samEncoders } from "../sam/config.js";
import { PublishedFile } from "./published-file.js";

/** Tensors of which only the shape matters here. */
export type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/**
 * The image encoder in a checkpoint, to be built by `buildEncoder`: its sizes as its tensors' shapes have them, "mobile-sam" for TinyViT.
 * @throws Problem where the file holds no encoder, or one whose sizes cannot be told
 */
export function encoderOf(path: string): SamEncoderConfig | "mobile-sam" {
  using file = new PublishedFile(path, { verify: false });
  return encoderConfigOf(file.part("encoder").tensors, `checkpoint "${path}"`);
}

/** @param shapes by the encoder's own names: `pos_embed`, `blocks.0.attn.rel_pos_h` */
export function encoderConfigOf(shapes: Shapes, what: string): SamEncoderConfig | "mobile-sam" {
  if (shapes.has("patch_embed.seq.0.c.weight")) return "mobile-sam";
  const read = new ShapeReader(shapes, what);
  const [embedDim, , patchSize] = read.sizes("patch_embed.proj.weight", 4); // [C, 3, p, p]
  const [, grid, gridWidth] = read.sizes("pos_embed", 4); // [1, H/p, W/p, C]
  if (grid !== gridWidth) read.refuse(`positions for ${gridWidth}×${grid} patches`, "a square picture");
  const depth = read.count("blocks");
  const windows = Array.from({ length: depth }, (_, block) => read.window(block));
  const headDim = read.sizes("blocks.0.attn.rel_pos_h", 2)[1]!;
  if (embedDim! % headDim !== 0) read.refuse(`heads of ${headDim} for ${embedDim} channels`, "a whole number of heads");
  // A block attends globally where its relative positions span the whole map.
  const globalAttnIndexes = [...windows.keys()].filter((block) => windows[block] === grid);
  const local = new Set(windows.filter((window) => window !== grid));
  if (local.size > 1)
    read.refuse(`windows of ${[...local].join(", ")} tokens`, "one size of window beside the whole map");
  const [windowSize = grid!] = local;
  return {
    imageSize: grid! * patchSize!,
    patchSize: patchSize!,
    embedDim: embedDim!,
    depth,
    numHeads: embedDim! / headDim,
    mlpRatio: read.sizes("blocks.0.mlp.lin1.weight", 2)[0]! / embedDim!,
    windowSize,
    globalAttnIndexes,
    outChans: read.sizes("neck.0.weight", 4)[0]!,
  };
}

/** How messages name an encoder: by its registered name where it has the sizes of one, otherwise by its own. */
export function encoderTitle(encoder: SamEncoderConfig | "mobile-sam"): string {
  if (encoder === "mobile-sam") return "mobile-sam";
  const known = Object.entries(samEncoders).find(([, config]) => sizesOf(config) === sizesOf(encoder));
  return known?.[0] ?? `a SAM encoder of ${sizesOf(encoder)}`;
}

/** All sizes in a fixed order. */
function sizesOf(config: SamEncoderConfig): string {
  const keys: readonly (keyof SamEncoderConfig)[] = [
    "imageSize",
    "patchSize",
    "embedDim",
    "depth",
    "numHeads",
    "mlpRatio",
    "windowSize",
    "globalAttnIndexes",
    "outChans",
  ];
  return keys.map((key) => `${key} ${config[key]}`).join(", ");
}

/** Looks shapes up and says clearly what is not there. */
class ShapeReader {
  readonly #shapes: Shapes;
  readonly #what: string;

  constructor(shapes: Shapes, what: string) {
    this.#shapes = shapes;
    this.#what = what;
  }

  refuse(found: string, expected: string): never {
    const todo = "This encoder is built otherwise than segment-anything's, and cannot be used here.";
    throw new Problem({ what: `${this.#what}, image encoder`, found, expected, todo });
  }

  sizes(name: string, rank: number): readonly number[] {
    const shape = this.#shapes.get(name)?.shape;
    if (shape?.length === rank && shape.every((size) => size > 0)) return shape;
    return this.refuse(
      shape === undefined ? `no "${name}"` : `"${name}" of shape [${shape.join(", ")}]`,
      `a tensor of ${rank} dimensions, from which sizes are told`,
    );
  }

  /** How many members a list has; refuses one with gaps. */
  count(list: string): number {
    const member = new RegExp(`^${list}\\.(\\d+)\\.`);
    const numbers = new Set([...this.#shapes.keys()].flatMap((name) => member.exec(name)?.[1] ?? []));
    const lost = [...Array(numbers.size).keys()].find((number) => !numbers.has(`${number}`));
    if (lost !== undefined) this.refuse(`${numbers.size} ${list}, number ${lost} not among them`, "all of them");
    return numbers.size;
  }

  /** Side of the map, in tokens, that a block's relative positions are made for: they number 2·side − 1. */
  window(block: number): number {
    const [rows, columns] = (["h", "w"] as const).map(
      (axis) => this.sizes(`blocks.${block}.attn.rel_pos_${axis}`, 2)[0]!,
    );
    if (rows !== columns || rows! % 2 === 0)
      this.refuse(`${rows} and ${columns} relative positions in block ${block}`, "one odd number of both");
    return (rows! + 1) / 2;
  }
}
