#pragma once

#include "common/tensors.h"

namespace adsam {

/** norm(x)·Wᵀ + bias + residual over the last dimension; see packages/kernels/src/token-linear.ts. */
Tensor token_linear_cpu(const Tensor& x, const Tensor& weight, const Optional<Tensor>& bias,
                        const Optional<Tensor>& norm_weight, const Optional<Tensor>& norm_bias, double eps,
                        const Optional<Tensor>& residual, bool low);

/** gelu(norm(x)·W1ᵀ + bias1)·W2ᵀ + bias2 + residual. */
Tensor token_mlp_cpu(const Tensor& x, const Optional<Tensor>& norm_weight, const Optional<Tensor>& norm_bias, double eps,
                     const Tensor& weight1, const Optional<Tensor>& bias1, const Tensor& weight2,
                     const Optional<Tensor>& bias2, const Optional<Tensor>& residual, bool low);

}  // namespace adsam
