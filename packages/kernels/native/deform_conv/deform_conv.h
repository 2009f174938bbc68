#pragma once

#include "deform_conv/geometry.h"

namespace adsam {

/** The integer arguments of adsam::deform_conv2d, as they travel from function to function. */
struct DeformOptions {
  IntArrayRef stride, padding, dilation;
  int64_t groups, offset_groups;
};

/** Gradients in the order input, weight, offset, mask, bias; those not wanted are undefined. */
using DeformGradients = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor>;

/** The layout results follow: that of the input, contiguous or channels-last. */
inline at::MemoryFormat deform_format(const Tensor& input) { return input.suggest_memory_format(); }

Tensor deform_conv2d_cpu(const Tensor& input, const Tensor& weight, const Tensor& offset, const Optional<Tensor>& mask,
                         const Optional<Tensor>& bias, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation,
                         int64_t groups, int64_t offset_groups);

DeformGradients deform_conv2d_backward_cpu(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                           const Tensor& offset, const Optional<Tensor>& mask, IntArrayRef stride,
                                           IntArrayRef padding, IntArrayRef dilation, int64_t groups,
                                           int64_t offset_groups, std::array<bool, 5> wanted);

/** The same in plain ATen operators, for any device, differentiable by itself; holds all columns of the batch at once.
 */
Tensor deform_conv2d_composite(const Tensor& input, const Tensor& weight, const Tensor& offset,
                               const Optional<Tensor>& mask, const Optional<Tensor>& bias, IntArrayRef stride,
                               IntArrayRef padding, IntArrayRef dilation, int64_t groups, int64_t offset_groups);

}  // namespace adsam
