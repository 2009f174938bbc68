#pragma once

#include "common/tensors.h"

namespace adsam {

/** Checks all arguments of adsam::group_norm against each other; throws an error that names the wrong one. */
void check_group_norm(const Tensor& input, int64_t groups, const Optional<Tensor>& weight,
                      const Optional<Tensor>& bias);

/**
 * The normalised map, in the input's dtype and layout, and what backward needs beside the input: mean and 1/deviation
 * of every group, [B, groups] each, of the compute type.
 */
std::tuple<Tensor, Tensor, Tensor> group_norm_with_statistics_cpu(const Tensor& input, int64_t groups,
                                                                  const Optional<Tensor>& weight,
                                                                  const Optional<Tensor>& bias, double eps, bool gelu);

/** Gradients of input, weight and bias; those not wanted are undefined. */
using GroupNormGradients = std::tuple<Tensor, Tensor, Tensor>;
GroupNormGradients group_norm_backward_cpu(const Tensor& gradient, const Tensor& input, const Tensor& mean,
                                           const Tensor& rstd, int64_t groups, const Optional<Tensor>& weight,
                                           const Optional<Tensor>& bias, bool gelu, std::array<bool, 3> wanted);

/** The same in plain ATen operators, for any device, differentiable by itself. */
Tensor group_norm_composite(const Tensor& input, int64_t groups, const Optional<Tensor>& weight,
                            const Optional<Tensor>& bias, double eps, bool gelu);

}  // namespace adsam
