import type { Size, Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

export interface RelPosAttentionOptions {
  readonly numHeads: number;
  /** The map is cut into windows of this size from its upper left, each attending within itself; the map's size attends globally. */
  readonly window: Size;
  /**
   * [3·C]: query, key and value at places of a window beyond the map, which are attended to like any other. SAM fills windows with zeros
   * before the layer that makes queries, keys and values, so they are that layer's bias. Default: zeros.
   */
  readonly outside?: Tensor | undefined;
}

/**
 * Multi-head attention over the windows of a map with decomposed relative positions (MViTv2, Li et al. 2022, eq. 4, as in SAM):
 * softmax(q·k/√D + q·relPosH[y − y′] + q·relPosW[x − x′])·v. On the CPU neither the logits nor the windows are ever in memory as a
 * whole; float32, and bfloat16 with float32 sums (float16 is computed in float32, float64 in plain operators).
 *
 * Differentiable once; backward computes the attention again, a few heads at a time.
 *
 * @param qkv [B, H, W, 3·C]: queries, keys and values, each [numHeads, headDim]
 * @param relPosH [2·window.height − 1, headDim], row window.height − 1 being distance 0, those behind it queries below their keys
 * @param relPosW [2·window.width − 1, headDim]
 * @returns [B, H, W, C], of qkv's dtype
 * @throws Error that names the argument whose shape, dtype or device does not fit, and what would
 */
export function relPosAttention(
  qkv: Tensor,
  relPosH: Tensor,
  relPosW: Tensor,
  { numHeads, window, outside }: RelPosAttentionOptions,
): Tensor {
  const size = [window.height, window.width];
  return callKernel("rel_pos_attention", [qkv, relPosH, relPosW, outside, numHeads, size]) as Tensor;
}
