import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

/** One number for both axes, or [y, x]. */
export type Pair = number | readonly [number, number];

export interface DeformConv2dOptions {
  /** [B, offsetGroups·kH·kW, outH, outW]: what each tap's reading is multiplied by; ones where left out. */
  readonly mask?: Tensor | null;
  /** [O] */
  readonly bias?: Tensor | null;
  readonly stride?: Pair;
  /** Zeros round the input, in pixels. */
  readonly padding?: Pair;
  readonly dilation?: Pair;
  /** Convolution groups: each reads C/groups channels and writes O/groups. */
  readonly groups?: number;
  /** Groups of C/offsetGroups channels with offsets and a mask of their own. */
  readonly offsetGroups?: number;
}

/**
 * Modulated deformable convolution (Zhu et al., "Deformable ConvNets v2", eq. 1): a convolution whose every tap reads bilinearly at
 * a place of its own, zero outside the picture. Conventions are torchvision's. With zero offsets and no mask it is `conv2d`.
 *
 * Differentiable once in all five tensors. Half and bfloat16 are computed in float32; offset and mask may stay float32 beside
 * a low-precision input, and autocast leaves them so, for a place wants more digits than a value.
 *
 * On the CPU a channels-last input is read where it lies, and so are offset and mask, which may be channels of one tensor in
 * either layout; their gradients come dense in the layout theirs has. Memory is a tile of positions a thread and, for gradients,
 * the weight's size a thread and the rows of the picture that two threads' places share.
 *
 * @param input [B, C, H, W]; contiguous or channels-last, and the result follows
 * @param weight [O, C/groups, kH, kW], of the input's dtype
 * @param offset [B, 2·offsetGroups·kH·kW, outH, outW]: (dy, dx) of each tap, in pixels, taps row by row
 * @returns [B, O, outH, outW] with outH = ⌊(H + 2·padding − dilation·(kH − 1) − 1) / stride⌋ + 1
 * @throws Error that names the argument whose shape, dtype or device does not fit, and what would
 */
export function deformConv2d(input: Tensor, weight: Tensor, offset: Tensor, options: DeformConv2dOptions = {}): Tensor {
  return callKernel("deform_conv2d", deformConv2dArguments(input, weight, offset, options)) as Tensor;
}

/** The operator's arguments in its schema's order. @internal */
export function deformConv2dArguments(
  input: Tensor,
  weight: Tensor,
  offset: Tensor,
  { mask, bias, stride = 1, padding = 0, dilation = 1, groups = 1, offsetGroups = 1 }: DeformConv2dOptions,
): unknown[] {
  return [
    input,
    weight,
    offset,
    mask ?? undefined,
    bias ?? undefined,
    pair(stride),
    pair(padding),
    pair(dilation),
    groups,
    offsetGroups,
  ];
}

export function pair(value: Pair): readonly [number, number] {
  return typeof value === "number" ? [value, value] : value;
}
