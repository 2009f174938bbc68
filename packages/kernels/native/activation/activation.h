#pragma once

#include "common/tensors.h"

namespace adsam {

/** gelu(input), exact; in the input's layout. */
Tensor gelu_cpu(const Tensor& input);

/** gradient · gelu'(input), in the input's layout whatever the gradient's. */
Tensor gelu_backward_cpu(const Tensor& gradient, const Tensor& input);

/** Checks that adsam::add_relu_ can write self; throws an error that says what is wrong. */
void check_add_relu(const Tensor& self, const Tensor& other);

/** self = max(self + other, 0), in one pass. */
Tensor& add_relu_cpu(Tensor& self, const Tensor& other);

/** The same in plain ATen operators, for any device. */
Tensor& add_relu_composite(Tensor& self, const Tensor& other);

}  // namespace adsam
