#pragma once

#include "deform_conv/deform_conv.h"

namespace adsam {

/**
 * adsam::deform_conv2d on an NVIDIA GPU. Columns and matrix products are of the input's type (float16 and bfloat16 with
 * float32 sums, as on tensor cores), places and blending float32. In float64 everything is.
 */
Tensor deform_conv2d_cuda(const Tensor& input, const Tensor& weight, const Tensor& offset, const Optional<Tensor>& mask,
                          const Optional<Tensor>& bias, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation,
                          int64_t groups, int64_t offset_groups);

/** The gradient of the picture is added up in no fixed order: its last bits differ from run to run. */
DeformGradients deform_conv2d_backward_cuda(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                            const Tensor& offset, const Optional<Tensor>& mask, IntArrayRef stride,
                                            IntArrayRef padding, IntArrayRef dilation, int64_t groups,
                                            int64_t offset_groups, std::array<bool, 5> wanted);

}  // namespace adsam
