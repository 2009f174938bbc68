#include <torch/csrc/autograd/custom_function.h>

#include "common/once.h"
#include "common/own_operator.h"
#include "max_pool/max_pool.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/** The kernel is for channels-last maps; ATen has one for the others. */
bool has_kernel(const Tensor& input) {
  return input.is_cpu() && input.suggest_memory_format() == at::MemoryFormat::ChannelsLast;
}

Tensor forward_cpu(const Tensor& input) {
  check_max_pool(input);
  return has_kernel(input) ? std::get<0>(max_pool_with_taps_cpu(input, false)) : max_pool_composite(input);
}

const OwnOperator<decltype(max_pool_with_taps_cpu)> taps_op("adsam::_max_pool_3x3_s2_with_taps");
const OwnOperator<decltype(max_pool_backward_cpu)> backward_op("adsam::_max_pool_3x3_s2_backward");

class MaxPool : public torch::autograd::Function<MaxPool> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input, bool with_taps) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [output, taps] = taps_op.call(input, with_taps);
    context->save_for_backward({taps});
    context->saved_data["shape"] = input.sizes();
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto shape = context->saved_data["shape"].toIntVector();
    return {backward_op.call(gradients[0], context->get_saved_variables()[0], shape), Tensor()};
  }
};

Tensor autograd(const Tensor& input) {
  check_max_pool(input);
  if (!has_kernel(input)) return max_pool_composite(input);
  return MaxPool::apply(input, at::GradMode::is_enabled() && input.requires_grad());
}

Tensor autograd_backward(const Tensor& gradient, const Tensor& taps, IntArrayRef input_size) {
  refuse_second_derivative("max_pool_3x3_s2", {gradient});
  at::AutoDispatchBelowADInplaceOrView below;
  return backward_op.call(gradient, taps, input_size);
}

Tensor meta(const Tensor& input) {
  check_max_pool(input);
  return at::empty({input.size(0), input.size(1), pooled_size(input.size(2)), pooled_size(input.size(3))},
                   input.options().memory_format(input.suggest_memory_format()));
}

std::tuple<Tensor, Tensor> meta_with_taps(const Tensor& input, bool with_taps) {
  const Tensor output = meta(input);
  return {output, with_taps ? at::empty({output.size(0), output.size(2), output.size(3), output.size(1)},
                                        input.options().dtype(at::kByte))
                            : Tensor()};
}

Tensor meta_backward(const Tensor& gradient, const Tensor&, IntArrayRef input_size) {
  return at::empty(input_size, gradient.options().memory_format(at::MemoryFormat::ChannelsLast));
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("max_pool_3x3_s2(Tensor input) -> Tensor");
  m.def("_max_pool_3x3_s2_with_taps(Tensor input, bool with_taps) -> (Tensor, Tensor)");
  m.def("_max_pool_3x3_s2_backward(Tensor grad, Tensor taps, int[] input_size) -> Tensor");
  // What serves other devices and layouts, callable on any: tests hold the fast kernels against it.
  m.def("_max_pool_3x3_s2_composite(Tensor input) -> Tensor", TORCH_FN(max_pool_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("max_pool_3x3_s2", TORCH_FN(forward_cpu));
  m.impl("_max_pool_3x3_s2_with_taps", TORCH_FN(max_pool_with_taps_cpu));
  m.impl("_max_pool_3x3_s2_backward", TORCH_FN(max_pool_backward_cpu));
}

TORCH_LIBRARY_IMPL(adsam, CUDA, m) { m.impl("max_pool_3x3_s2", TORCH_FN(max_pool_composite)); }

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("max_pool_3x3_s2", TORCH_FN(meta));
  m.impl("_max_pool_3x3_s2_with_taps", TORCH_FN(meta_with_taps));
  m.impl("_max_pool_3x3_s2_backward", TORCH_FN(meta_backward));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) {
  m.impl("max_pool_3x3_s2", TORCH_FN(autograd));
  m.impl("_max_pool_3x3_s2_backward", TORCH_FN(autograd_backward));
}

}  // namespace adsam
