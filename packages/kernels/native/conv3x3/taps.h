#pragma once

#include "common/tensors.h"

namespace adsam {

/**
 * The gradient of weight [O, C, 3, 3], in its layout, of a convolution with that stride and padding 1, one matrix
 * product a tap: pictures [B, H, W, C], gradient [B, outH, outW, O], dense and of one type.
 */
Tensor weight_gradient_by_taps(const Tensor& gradient, const Tensor& pictures, const Tensor& weight, int64_t stride);

}  // namespace adsam
