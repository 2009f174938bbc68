#pragma once

#include "common/tensors.h"

namespace adsam {

/** How adsam::conv3x3 is to be computed: `automatic` takes what winograd_pays says, the others are for tests. */
enum class ConvAlgorithm { automatic, winograd, direct };

/** Gradients in the order input, weight, bias; those not wanted are undefined. */
using ConvGradients = std::tuple<Tensor, Tensor, Tensor>;

/** What input, weight and bias have to be like for one another; fails by name otherwise. */
void check_conv3x3(const Tensor& input, const Tensor& weight, const Tensor& bias);

Tensor conv3x3_cpu(const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias, bool relu,
                   c10::string_view algorithm);

/** `gradient` is that of the sum before any ReLU. */
ConvGradients conv3x3_backward_cpu(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                   c10::string_view algorithm, std::array<bool, 3> wanted);

/** The same in plain ATen operators, for any device, differentiable by itself. */
Tensor conv3x3_composite(const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias, bool relu,
                         c10::string_view algorithm);

}  // namespace adsam
