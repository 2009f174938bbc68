#pragma once

#include <ATen/core/grad_mode.h>

#include "common/tensors.h"

namespace adsam {

/** Called first in a backward operator's autograd kernel: these operators are differentiable once, and say so. */
inline void refuse_second_derivative(const char* op, std::initializer_list<Tensor> inputs) {
  if (!at::GradMode::is_enabled()) return;
  for (const Tensor& input : inputs) {
    TORCH_CHECK(!(input.defined() && input.requires_grad()), op,
                ": found a request for second derivatives (createGraph), expected first derivatives only. "
                "Call backward without createGraph, or use the reference in plain tensor operators.");
  }
}

}  // namespace adsam
