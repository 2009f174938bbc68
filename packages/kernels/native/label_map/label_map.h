#pragma once

#include "common/tensors.h"

namespace adsam {

/** Checks the arguments of adsam::label_map: floating [B, C, h, w], 1 to 254 classes, a size above 0. */
void check_label_map(const Tensor& logits, int64_t height, int64_t width);

/**
 * The most likely class of each pixel of an enlarged (or shrunk) map: logits [B, C, h, w] → uint8 [B, height, width]; the
 * first of equals wins. Bilinear between pixels' middles, as interpolate does it with align_corners false, but the enlarged
 * logits (160 MB at 19 × 2048 × 1024) are never stored.
 */
Tensor label_map_cpu(const Tensor& logits, int64_t height, int64_t width);

/** The same in plain ATen operators, for any device. */
Tensor label_map_composite(const Tensor& logits, int64_t height, int64_t width);

}  // namespace adsam
