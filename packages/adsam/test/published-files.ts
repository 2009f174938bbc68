import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { nn, scope, Tensor, withDevice } from "@adsam/torch";

/** A folder that goes with the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "adsam-published-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A network without memory: names and shapes only. */
export function onMeta<T>(build: () => T): T {
  return withDevice("meta", () => nn.init.skipInit(build));
}

/** Fills every tensor with numbers of its own: two tensors with equal values are one tensor. */
export function fillDistinctly(module: nn.Module): void {
  let step = 1;
  scope(() => {
    for (const [, tensor] of module.stateDict()) {
      const values = Float32Array.from({ length: tensor.numel }, (_, i) => ((i * 7 + step * 13) % 1009) / 64 + step);
      tensor.setData(Tensor.from(values, tensor.shape).to({ dtype: tensor.dtype }));
      step += 1;
    }
  });
}

/** The tensors of a module behind a prefix, for a file. */
export function stateOf(module: nn.Module, prefix = ""): Map<string, Tensor> {
  return new Map([...module.stateDict()].map(([name, tensor]) => [prefix + name, tensor]));
}

/** Names whose tensors differ between two modules. */
export function different(one: nn.Module, other: nn.Module): string[] {
  const there = other.stateDict();
  return [...one.stateDict()].filter(([name, tensor]) => !tensor.equal(there.get(name)!)).map(([name]) => name);
}

/**
 * Hugging Face's names of SAM, listed as transformers' modules nest (`modeling_sam.py`), each once: what `SamModel.state_dict()` gives for an
 * encoder of `depth` layers.
 */
export function huggingFaceStateNames(depth: number): string[] {
  const both = (name: string) => [`${name}.weight`, `${name}.bias`];
  const range = (length: number) => [...Array(length).keys()];
  const attention = (name: string) => ["q", "k", "v", "out"].flatMap((one) => both(`${name}.${one}_proj`));
  const head = (name: string) => ["proj_in", "layers.0", "proj_out"].flatMap((one) => both(`${name}.${one}`));
  const vision = [
    "pos_embed",
    ...both("patch_embed.projection"),
    ...range(depth).flatMap((i) =>
      [
        ...both("layer_norm1"),
        "attn.rel_pos_h",
        "attn.rel_pos_w",
        ...["attn.qkv", "attn.proj", "layer_norm2", "mlp.lin1", "mlp.lin2"].flatMap(both),
      ].map((name) => `layers.${i}.${name}`),
    ),
    "neck.conv1.weight",
    ...both("neck.layer_norm1"),
    "neck.conv2.weight",
    ...both("neck.layer_norm2"),
  ];
  const prompt = [
    "shared_embedding.positional_embedding",
    ...["conv1", "layer_norm1", "conv2", "layer_norm2", "conv3"].flatMap((name) => both(`mask_embed.${name}`)),
    "no_mask_embed.weight",
    ...range(4).map((i) => `point_embed.${i}.weight`),
    "not_a_point_embed.weight",
  ];
  const layer = [
    ...attention("self_attn"),
    ...both("layer_norm1"),
    ...attention("cross_attn_token_to_image"),
    ...["layer_norm2", "mlp.lin1", "mlp.lin2", "layer_norm3", "layer_norm4"].flatMap(both),
    ...attention("cross_attn_image_to_token"),
  ];
  const mask = [
    "iou_token.weight",
    "mask_tokens.weight",
    ...range(2).flatMap((i) => layer.map((name) => `transformer.layers.${i}.${name}`)),
    ...attention("transformer.final_attn_token_to_image"),
    ...["transformer.layer_norm_final_attn", "upscale_conv1", "upscale_conv2", "upscale_layer_norm"].flatMap(both),
    ...range(4).flatMap((i) => head(`output_hypernetworks_mlps.${i}`)),
    ...head("iou_prediction_head"),
  ];
  return [
    "shared_image_embedding.positional_embedding",
    ...vision.map((name) => `vision_encoder.${name}`),
    ...prompt.map((name) => `prompt_encoder.${name}`),
    ...mask.map((name) => `mask_decoder.${name}`),
  ];
}

/**
 * The way transformers' own conversion goes (`convert_sam_to_hf.py`): pieces of segment-anything's names replaced one after the other. A second
 * opinion on the table, which is read the other way and line by line.
 */
const conversion: readonly (readonly [piece: RegExp, by: string])[] = [
  [/(head|mlps\.\d)\.layers\.0/, "$1.proj_in"],
  [/(head|mlps\.\d)\.layers\.1/, "$1.layers.0"],
  [/(head|mlps\.\d)\.layers\.2/, "$1.proj_out"],
  [/output_upscaling\.0/, "upscale_conv1"],
  [/output_upscaling\.1/, "upscale_layer_norm"],
  [/output_upscaling\.3/, "upscale_conv2"],
  [/mask_downscaling\.0/, "mask_embed.conv1"],
  [/mask_downscaling\.1/, "mask_embed.layer_norm1"],
  [/mask_downscaling\.3/, "mask_embed.conv2"],
  [/mask_downscaling\.4/, "mask_embed.layer_norm2"],
  [/mask_downscaling\.6/, "mask_embed.conv3"],
  [/point_embeddings/, "point_embed"],
  [/pe_layer\.positional_encoding_gaussian_matrix/, "shared_embedding.positional_embedding"],
  [/image_encoder/, "vision_encoder"],
  [/neck\.0/, "neck.conv1"],
  [/neck\.1/, "neck.layer_norm1"],
  [/neck\.2/, "neck.conv2"],
  [/neck\.3/, "neck.layer_norm2"],
  [/patch_embed\.proj/, "patch_embed.projection"],
  [/\.norm/, ".layer_norm"],
  [/blocks/, "layers"],
];

/** What the conversion calls a tensor of segment-anything. */
export function huggingFaceName(name: string): string {
  return conversion.reduce((result, [piece, by]) => result.replace(piece, by), name);
}
