import { Tensor } from "@adsam/torch";
import type { Picture, Size } from "../../data/picture.js";
import { normalise } from "../../data/transforms/normalise.js";
import { resizeBilinear } from "../../data/transforms/resize.js";

/** How a picture lies in the network's square input: its longest side fills it, the rest is zeros at the right or bottom. */
export interface InputFrame {
  /** Of the picture. */
  readonly size: Size;
  /** What of the input it covers. */
  readonly inner: Size;
  /** Side of the input, in pixels. */
  readonly imageSize: number;
}

/** The reference's rounding: halves go up. */
export function inputFrame(size: Size, imageSize: number): InputFrame {
  const scale = imageSize / Math.max(size.height, size.width);
  const side = (length: number) => Math.max(1, Math.floor(length * scale + 0.5));
  return { size, inner: { height: side(size.height), width: side(size.width) }, imageSize };
}

/** A picture as SAM's encoder sees it: → float32 [1, 3, imageSize, imageSize], and how it lies there. */
export function frameImage(picture: Picture, imageSize: number): { image: Tensor; frame: InputFrame } {
  const frame = inputFrame(picture.size, imageSize);
  const { height, width } = frame.inner;
  const resized = Tensor.share(normalise(resizeBilinear(picture, frame.inner)), [1, 3, height, width]);
  return { image: resized.pad([0, imageSize - width, 0, imageSize - height]).contiguous(), frame };
}

/** Coordinates (x, y) of the picture to those of the input. */
export function intoFrame([x, y]: readonly [number, number], { size, inner }: InputFrame): [number, number] {
  return [(x * inner.width) / size.width, (y * inner.height) / size.height];
}

/** Low-resolution mask logits to logits at the picture's own size: [P, M, 4·grid, 4·grid] → [P, M, H, W]. */
export function unframeMasks(lowResMasks: Tensor, { size, inner, imageSize }: InputFrame): Tensor {
  return lowResMasks
    .upsampleBilinear2d([imageSize, imageSize], false)
    .narrow(2, 0, inner.height)
    .narrow(3, 0, inner.width)
    .upsampleBilinear2d([size.height, size.width], false);
}
