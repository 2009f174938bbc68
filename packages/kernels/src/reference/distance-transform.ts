import { full, stack, Tensor } from "@adsam/torch";

/**
 * The distance transform by its definition: every pixel against every zero of its picture, O((H·W)²). Mask [B, H, W], bool or uint8,
 * → float32 [B, H, W]; infinity where a picture has no zero.
 */
export function distanceTransformReference(mask: Tensor): Tensor {
  const [b, h, w] = mask.dims3("mask");
  const pixels = Tensor.of(
    Array.from({ length: h * w }, (_, i) => [Math.floor(i / w), i % w]),
    { dtype: "float64" },
  );
  const pictures = Array.from({ length: b }, (_, i) => {
    const zeros = mask
      .select(0, i)
      .reshape([h * w])
      .eq(0)
      .nonzero()
      .squeeze(1); // indices of zeros
    if (zeros.numel === 0) return full([h, w], Number.POSITIVE_INFINITY);
    const apart = pixels.unsqueeze(1).sub(pixels.indexSelect(0, zeros)); // [H·W, zeros, 2]
    return apart
      .square()
      .sum([2])
      .amin({ dim: [1] })
      .sqrt()
      .to({ dtype: "float32" })
      .reshape([h, w]);
  });
  return stack(pictures);
}
