#include <torch/csrc/autograd/custom_function.h>

#include "attention/attention.h"
#include "attention/geometry.h"
#include "common/autocast.h"
#include "common/once.h"
#include "common/own_operator.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const OwnOperator<decltype(rel_pos_attention_cpu)> forward_op("adsam::rel_pos_attention");
const OwnOperator<decltype(rel_pos_attention_backward)> backward_op("adsam::_rel_pos_attention_backward");

class RelPosAttention : public torch::autograd::Function<RelPosAttention> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& qkv, const Tensor& rel_pos_h, const Tensor& rel_pos_w,
                        const Optional<Tensor>& outside, int64_t num_heads, IntArrayRef window) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({qkv, rel_pos_h, rel_pos_w, value_or_undefined(outside)});
    context->saved_data["num_heads"] = num_heads;
    context->saved_data["window"] = window;
    return forward_op.call(qkv, rel_pos_h, rel_pos_w, outside, num_heads, window);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    std::array<bool, 4> wanted{};
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = saved[i].defined() && saved[i].requires_grad();
    Optional<Tensor> outside;
    if (saved[3].defined()) outside = saved[3];
    auto [qkv, rel_pos_h, rel_pos_w, beyond] =
        backward_op.call(gradients[0], saved[0], saved[1], saved[2], outside,
                         context->saved_data["num_heads"].toInt(), context->saved_data["window"].toIntVector(), wanted);
    return {qkv, rel_pos_h, rel_pos_w, beyond, Tensor(), Tensor()};
  }
};

Tensor autograd(const Tensor& qkv, const Tensor& rel_pos_h, const Tensor& rel_pos_w, const Optional<Tensor>& outside,
                int64_t num_heads, IntArrayRef window) {
  if (qkv.is_cuda()) return rel_pos_attention_composite(qkv, rel_pos_h, rel_pos_w, outside, num_heads, window);
  return RelPosAttention::apply(qkv, rel_pos_h, rel_pos_w, outside, num_heads, window);
}

AttentionGradients autograd_backward(const Tensor& gradient, const Tensor& qkv, const Tensor& rel_pos_h,
                                     const Tensor& rel_pos_w, const Optional<Tensor>& outside, int64_t num_heads,
                                     IntArrayRef window, std::array<bool, 4> wanted) {
  refuse_second_derivative("rel_pos_attention", {gradient, qkv, rel_pos_h, rel_pos_w, value_or_undefined(outside)});
  at::AutoDispatchBelowADInplaceOrView below;
  return backward_op.call(gradient, qkv, rel_pos_h, rel_pos_w, outside, num_heads, window, wanted);
}

/** All in the low precision, as an attention of plain operators would be. */
Tensor autocast(const Tensor& qkv, const Tensor& rel_pos_h, const Tensor& rel_pos_w, const Optional<Tensor>& outside,
                int64_t num_heads, IntArrayRef window) {
  const WithoutAutocast guard(qkv.device().type());
  Optional<Tensor> low;
  if (outside.has_value()) low = to_autocast_type(*outside);
  return forward_op.call(to_autocast_type(qkv), to_autocast_type(rel_pos_h), to_autocast_type(rel_pos_w), low,
                         num_heads, window);
}

Tensor meta(const Tensor& qkv, const Tensor& rel_pos_h, const Tensor& rel_pos_w, const Optional<Tensor>& outside,
            int64_t num_heads, IntArrayRef window) {
  const auto g = rel_pos_geometry(qkv, rel_pos_h, rel_pos_w, outside, num_heads, window);
  return at::empty({g.batch, g.height, g.width, g.channels()}, qkv.options());
}

AttentionGradients meta_backward(const Tensor& gradient, const Tensor& qkv, const Tensor& rel_pos_h,
                                 const Tensor& rel_pos_w, const Optional<Tensor>& outside, int64_t num_heads,
                                 IntArrayRef window, std::array<bool, 4> wanted) {
  const auto like = [](bool want, const Tensor& tensor) { return want ? at::empty_like(tensor) : Tensor(); };
  return {like(wanted[0], qkv), like(wanted[1], rel_pos_h), like(wanted[2], rel_pos_w),
          like(wanted[3], value_or_undefined(outside))};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def(
      "rel_pos_attention(Tensor qkv, Tensor rel_pos_h, Tensor rel_pos_w, Tensor? outside, int num_heads, int[2] window) "
      "-> Tensor");
  m.def(
      "_rel_pos_attention_backward(Tensor grad, Tensor qkv, Tensor rel_pos_h, Tensor rel_pos_w, Tensor? outside, "
      "int num_heads, int[2] window, bool[4] wanted) -> (Tensor, Tensor, Tensor, Tensor)");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def(
      "_rel_pos_attention_composite(Tensor qkv, Tensor rel_pos_h, Tensor rel_pos_w, Tensor? outside, int num_heads, "
      "int[2] window) -> Tensor",
      TORCH_FN(rel_pos_attention_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("rel_pos_attention", TORCH_FN(rel_pos_attention_cpu));
  m.impl("_rel_pos_attention_backward", TORCH_FN(rel_pos_attention_backward));
}

TORCH_LIBRARY_IMPL(adsam, CUDA, m) { m.impl("rel_pos_attention", TORCH_FN(rel_pos_attention_composite)); }

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("rel_pos_attention", TORCH_FN(meta));
  m.impl("_rel_pos_attention_backward", TORCH_FN(meta_backward));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) {
  m.impl("rel_pos_attention", TORCH_FN(autograd));
  m.impl("_rel_pos_attention_backward", TORCH_FN(autograd_backward));
}

TORCH_LIBRARY_IMPL(adsam, AutocastCPU, m) { m.impl("rel_pos_attention", TORCH_FN(autocast)); }
TORCH_LIBRARY_IMPL(adsam, Autocast, m) { m.impl("rel_pos_attention", TORCH_FN(autocast)); }

}  // namespace adsam
