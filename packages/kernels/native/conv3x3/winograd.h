#pragma once

#include "common/tensors.h"

/** 3 × 3 convolution, stride 1, padding 1, by Winograd's F(4×4, 3×3), in float32 or float64 and on all threads. */
namespace adsam::winograd {

/** Pictures [B, H, W, C], weight [O, C, 3, 3], bias [O] or undefined, dense and of one type → [B, H, W, O]. */
Tensor forward(const Tensor& pictures, const Tensor& weight, const Tensor& bias, bool relu);

/** The gradient of the pictures [B, H, W, C] from that of the result, [B, H, W, O]. */
Tensor picture_gradient(const Tensor& gradient, const Tensor& weight);

/** The gradient of a weight like `weight`, in its layout. */
Tensor weight_gradient(const Tensor& gradient, const Tensor& pictures, const Tensor& weight);

}  // namespace adsam::winograd
