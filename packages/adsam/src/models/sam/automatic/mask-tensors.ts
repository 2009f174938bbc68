/** What is read off a batch of masks on the device where they lie. */
import { arange, scope, Tensor, zeros } from "@adsam/torch";
import type { Box } from "./boxes.js";
import { countPixels } from "./count-pixels.js";
import { type Rle, rleOfRuns } from "./rle.js";
import type { Runs } from "./runs.js";
import { scanRuns } from "./scan-runs.js";

/**
 * How little a mask depends on the threshold: the intersection over union of the masks cut at threshold + offset and threshold − offset.
 * 0 where even the larger of the two is empty.
 * @param logits float [B, H, W]
 * @param offset in logits, at least 0
 * @returns float32 [B], 0…1
 */
export function stabilityScore(
  logits: Tensor,
  { threshold, offset }: { readonly threshold: number; readonly offset: number },
): Tensor {
  return scope(() => {
    const above = (limit: number): Tensor => countPixels(logits.gt(limit));
    // One mask lies within the other: intersection and union are the two themselves.
    const union = above(threshold - offset);
    return above(threshold + offset).div(union.maximum(1));
  });
}

/**
 * First and last column and row of each mask, the last ones included; all 0 for a mask without a pixel.
 * @param masks bool [B, H, W]
 */
export function maskBoxes(masks: Tensor): Box[] {
  const [batch] = masks.dims3("masks");
  const edges = scope(() => {
    const [left, right] = firstAndLast(masks.any(1));
    const [top, bottom] = firstAndLast(masks.any(2));
    return [left, top, right, bottom].map((edge) => edge.toNumbers());
  }) as Float64Array[];
  return Array.from({ length: batch }, (_, i) => edges.map((edge) => edge[i]!) as unknown as Box);
}

/** The first and the last place that is set: bool [B, N] → int64 [B] each, both 0 where none is. */
function firstAndLast(set: Tensor): [Tensor, Tensor] {
  const [, length] = set.dims2("set");
  return scope(() => {
    const places = arange(length, { device: set.device });
    const first = set.where(places, length).amin({ dim: 1 });
    return [first.maskedFill(first.eq(length), 0), set.where(places, 0).amax({ dim: 1 })];
  });
}

/**
 * Each mask as runs.
 * @param masks bool [B, H, W]
 */
export function maskRuns(masks: Tensor): Runs[] {
  const [batch, height, width] = masks.dims3("masks");
  if (masks.device !== "cpu") return maskRunsOnDevice(masks);
  // One buffer for all: an array over a tensor's own memory would hold every batch until the collector comes.
  const buffer = new Uint8Array(height * width);
  return scope(() => {
    const shared = Tensor.share(buffer, [height, width]);
    return Array.from({ length: batch }, (_, i) => {
      scope(() => void shared.copy_(masks.select(0, i)));
      return scanRuns(buffer, { height, width });
    });
  });
}

/** {@link maskRuns} by tensor operators: only the places where a mask changes leave the device. */
export function maskRunsOnDevice(masks: Tensor): Runs[] {
  const [batch, height, width] = masks.dims3("masks");
  const length = height * width + 1;
  const edges = scope(() => {
    const columns = masks.transpose(1, 2).flatten({ startDim: 1 }); // [B, W·H]
    const nothing = zeros([batch, 1], { dtype: "bool", device: masks.device });
    // A change at place i: pixel i differs from pixel i − 1, where nothing is set before the first and after the last.
    const changes = columns.diff({ dim: 1, prepend: nothing, append: nothing }); // [B, W·H + 1]
    return changes.flatten().nonzero().toNumbers();
  });
  let end = 0;
  return Array.from({ length: batch }, (_, mask) => {
    const start = end;
    while (end < edges.length && edges[end]! < (mask + 1) * length) end++;
    return Uint32Array.from(edges.subarray(start, end), (edge) => edge - mask * length);
  });
}

/** {@link maskRuns} in COCO's uncompressed form. */
export function encodeMasks(masks: Tensor): Rle[] {
  const [, height, width] = masks.dims3("masks");
  return maskRuns(masks).map((runs) => rleOfRuns(runs, { height, width }));
}
