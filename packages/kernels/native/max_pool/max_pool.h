#pragma once

#include "common/tensors.h"

namespace adsam {

/** Checks the input of adsam::max_pool_3x3_s2; throws an error that says what is wrong. */
void check_max_pool(const Tensor& input);

/** Height or width of the result for that of the input. */
inline int64_t pooled_size(int64_t size) { return (size + 1) / 2; }

/**
 * The pooled map in the input's layout, and which of the nine taps each number came from, row by row: uint8 [B, H', W',
 * C]. Undefined where not wanted.
 */
std::tuple<Tensor, Tensor> max_pool_with_taps_cpu(const Tensor& input, bool with_taps);

/** Gradient of an input [B, C, H, W] of size `input_size`, in the layout of the gradient that comes in. */
Tensor max_pool_backward_cpu(const Tensor& gradient, const Tensor& taps, IntArrayRef input_size);

/** In plain ATen operators, for any device, differentiable by itself. */
Tensor max_pool_composite(const Tensor& input);

}  // namespace adsam
