#pragma once

#include "common/tensors.h"

namespace adsam {

/** Checks the arguments of adsam::resize_bilinear; throws an error that names the wrong one. */
void check_resize(const Tensor& input, IntArrayRef size);
/** The same for adsam::resize_bilinear_cat. */
void check_resize_cat(const Tensor& input, const Tensor& skip);

/** [B, C, h, w] → [B, C, H, W] in the input's layout, or row-major where `row_major`. */
Tensor resize_bilinear_cpu(const Tensor& input, IntArrayRef size, bool row_major);

/** Gradient of an input of shape `input_size`, channels-last or row-major as asked for. */
Tensor resize_bilinear_backward_cpu(const Tensor& gradient, IntArrayRef input_size, bool channels_last);

/** [B, C1, h, w] resized to the grid of [B, C2, H, W] and put before it: [B, C1 + C2, H, W], channels-last. */
Tensor resize_bilinear_cat_cpu(const Tensor& input, const Tensor& skip);

/** Gradients of input and skip, channels-last. */
std::tuple<Tensor, Tensor> resize_bilinear_cat_backward_cpu(const Tensor& gradient, IntArrayRef input_size);

/** In plain ATen operators, for any device, differentiable by themselves. */
Tensor resize_bilinear_composite(const Tensor& input, IntArrayRef size, bool row_major);
Tensor resize_bilinear_cat_composite(const Tensor& input, const Tensor& skip);

}  // namespace adsam
