import type { Renaming } from "./rename.js";

/**
 * Hugging Face's names of SAM (transformers, `SamModel`; Apache-2.0) and segment-anything's. Their own conversion goes the other way:
 * `models/sam/convert_sam_to_hf.py`.
 */
export const huggingFaceNames: readonly Renaming[] = [
  ["vision_encoder.pos_embed", "image_encoder.pos_embed"],
  ["vision_encoder.patch_embed.projection.*", "image_encoder.patch_embed.proj.*"],
  ["vision_encoder.layers.#.layer_norm1.*", "image_encoder.blocks.#.norm1.*"],
  ["vision_encoder.layers.#.layer_norm2.*", "image_encoder.blocks.#.norm2.*"],
  ["vision_encoder.layers.#.attn.*", "image_encoder.blocks.#.attn.*"],
  ["vision_encoder.layers.#.mlp.*", "image_encoder.blocks.#.mlp.*"],
  ["vision_encoder.neck.conv1.*", "image_encoder.neck.0.*"],
  ["vision_encoder.neck.layer_norm1.*", "image_encoder.neck.1.*"],
  ["vision_encoder.neck.conv2.*", "image_encoder.neck.2.*"],
  ["vision_encoder.neck.layer_norm2.*", "image_encoder.neck.3.*"],

  // One tensor under two names; a file may hold either, or both.
  [
    "prompt_encoder.shared_embedding.positional_embedding",
    "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
  ],
  ["shared_image_embedding.positional_embedding", "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"],
  ["prompt_encoder.point_embed.#.*", "prompt_encoder.point_embeddings.#.*"],
  ["prompt_encoder.not_a_point_embed.*", "prompt_encoder.not_a_point_embed.*"],
  ["prompt_encoder.no_mask_embed.*", "prompt_encoder.no_mask_embed.*"],
  ["prompt_encoder.mask_embed.conv1.*", "prompt_encoder.mask_downscaling.0.*"],
  ["prompt_encoder.mask_embed.layer_norm1.*", "prompt_encoder.mask_downscaling.1.*"],
  ["prompt_encoder.mask_embed.conv2.*", "prompt_encoder.mask_downscaling.3.*"],
  ["prompt_encoder.mask_embed.layer_norm2.*", "prompt_encoder.mask_downscaling.4.*"],
  ["prompt_encoder.mask_embed.conv3.*", "prompt_encoder.mask_downscaling.6.*"],

  ["mask_decoder.iou_token.*", "mask_decoder.iou_token.*"],
  ["mask_decoder.mask_tokens.*", "mask_decoder.mask_tokens.*"],
  ["mask_decoder.transformer.layers.#.self_attn.*", "mask_decoder.transformer.layers.#.self_attn.*"],
  [
    "mask_decoder.transformer.layers.#.cross_attn_token_to_image.*",
    "mask_decoder.transformer.layers.#.cross_attn_token_to_image.*",
  ],
  [
    "mask_decoder.transformer.layers.#.cross_attn_image_to_token.*",
    "mask_decoder.transformer.layers.#.cross_attn_image_to_token.*",
  ],
  ["mask_decoder.transformer.layers.#.mlp.*", "mask_decoder.transformer.layers.#.mlp.*"],
  ["mask_decoder.transformer.layers.#.layer_norm#.*", "mask_decoder.transformer.layers.#.norm#.*"],
  ["mask_decoder.transformer.final_attn_token_to_image.*", "mask_decoder.transformer.final_attn_token_to_image.*"],
  ["mask_decoder.transformer.layer_norm_final_attn.*", "mask_decoder.transformer.norm_final_attn.*"],
  ["mask_decoder.upscale_conv1.*", "mask_decoder.output_upscaling.0.*"],
  ["mask_decoder.upscale_layer_norm.*", "mask_decoder.output_upscaling.1.*"],
  ["mask_decoder.upscale_conv2.*", "mask_decoder.output_upscaling.3.*"],
  ["mask_decoder.output_hypernetworks_mlps.#.proj_in.*", "mask_decoder.output_hypernetworks_mlps.#.layers.0.*"],
  ["mask_decoder.output_hypernetworks_mlps.#.layers.0.*", "mask_decoder.output_hypernetworks_mlps.#.layers.1.*"],
  ["mask_decoder.output_hypernetworks_mlps.#.proj_out.*", "mask_decoder.output_hypernetworks_mlps.#.layers.2.*"],
  ["mask_decoder.iou_prediction_head.proj_in.*", "mask_decoder.iou_prediction_head.layers.0.*"],
  ["mask_decoder.iou_prediction_head.layers.0.*", "mask_decoder.iou_prediction_head.layers.1.*"],
  ["mask_decoder.iou_prediction_head.proj_out.*", "mask_decoder.iou_prediction_head.layers.2.*"],
];
