#include <torch/csrc/autograd/custom_function.h>

#include "common/autocast.h"
#include "common/once.h"
#include "common/own_operator.h"
#include "resize/resize.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const OwnOperator<decltype(resize_bilinear_cpu)> forward_op("adsam::resize_bilinear");
const OwnOperator<decltype(resize_bilinear_backward_cpu)> backward_op("adsam::_resize_bilinear_backward");

/** Linear, so nothing of the input is kept but its shape and layout. */
class ResizeBilinear : public torch::autograd::Function<ResizeBilinear> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input, IntArrayRef size, bool row_major) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->saved_data["shape"] = input.sizes();
    context->saved_data["channels_last"] = input.suggest_memory_format() == at::MemoryFormat::ChannelsLast;
    return forward_op.call(input, size, row_major);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto shape = context->saved_data["shape"].toIntVector();
    const Tensor none;
    return {backward_op.call(gradients[0], shape, context->saved_data["channels_last"].toBool()), none, none};
  }
};

Tensor autograd(const Tensor& input, IntArrayRef size, bool row_major) {
  if (input.is_cuda()) return resize_bilinear_composite(input, size, row_major);
  return ResizeBilinear::apply(input, size, row_major);
}

Tensor autograd_backward(const Tensor& gradient, IntArrayRef input_size, bool channels_last) {
  refuse_second_derivative("resize_bilinear", {gradient});
  at::AutoDispatchBelowADInplaceOrView below;
  return backward_op.call(gradient, input_size, channels_last);
}

/** Every kernel computes in float32 whatever it is given, so nothing is cast. */
Tensor autocast(const Tensor& input, IntArrayRef size, bool row_major) {
  const WithoutAutocast guard(input.device().type());
  return forward_op.call(input, size, row_major);
}

Tensor meta(const Tensor& input, IntArrayRef size, bool row_major) {
  check_resize(input, size);
  const auto format = row_major ? at::MemoryFormat::Contiguous : input.suggest_memory_format();
  return at::empty({input.size(0), input.size(1), size[0], size[1]}, input.options().memory_format(format));
}

Tensor meta_backward(const Tensor& gradient, IntArrayRef input_size, bool channels_last) {
  const auto format = channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return at::empty(input_size, gradient.options().memory_format(format));
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("resize_bilinear(Tensor input, int[2] size, bool row_major=False) -> Tensor");
  m.def("_resize_bilinear_backward(Tensor grad, int[] input_size, bool channels_last) -> Tensor");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def("_resize_bilinear_composite(Tensor input, int[2] size, bool row_major=False) -> Tensor",
        TORCH_FN(resize_bilinear_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("resize_bilinear", TORCH_FN(resize_bilinear_cpu));
  m.impl("_resize_bilinear_backward", TORCH_FN(resize_bilinear_backward_cpu));
}

TORCH_LIBRARY_IMPL(adsam, CUDA, m) { m.impl("resize_bilinear", TORCH_FN(resize_bilinear_composite)); }

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("resize_bilinear", TORCH_FN(meta));
  m.impl("_resize_bilinear_backward", TORCH_FN(meta_backward));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) {
  m.impl("resize_bilinear", TORCH_FN(autograd));
  m.impl("_resize_bilinear_backward", TORCH_FN(autograd_backward));
}

TORCH_LIBRARY_IMPL(adsam, AutocastCPU, m) { m.impl("resize_bilinear", TORCH_FN(autocast)); }
TORCH_LIBRARY_IMPL(adsam, Autocast, m) { m.impl("resize_bilinear", TORCH_FN(autocast)); }

}  // namespace adsam
