#pragma once

#include <tuple>

#include "common/tensors.h"

namespace adsam {

using AttentionGradients = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Tensor rel_pos_attention_cpu(const Tensor& qkv, const Tensor& rel_pos_h, const Tensor& rel_pos_w,
                             const Optional<Tensor>& outside, int64_t num_heads, IntArrayRef window);

/** The same in plain operators, for other devices and for tests; differentiable by libtorch. */
Tensor rel_pos_attention_composite(const Tensor& qkv, const Tensor& rel_pos_h, const Tensor& rel_pos_w,
                                   const Optional<Tensor>& outside, int64_t num_heads, IntArrayRef window);

/** Gradients of qkv, the two tables and `outside`, where wanted; the attention is computed again, a few heads at a time. */
AttentionGradients rel_pos_attention_backward(const Tensor& gradient, const Tensor& qkv, const Tensor& rel_pos_h,
                                              const Tensor& rel_pos_w, const Optional<Tensor>& outside,
                                              int64_t num_heads, IntArrayRef window, std::array<bool, 4> wanted);

}  // namespace adsam
