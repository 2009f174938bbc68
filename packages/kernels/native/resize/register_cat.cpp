#include <torch/csrc/autograd/custom_function.h>

#include "common/autocast.h"
#include "common/once.h"
#include "common/own_operator.h"
#include "resize/resize.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const OwnOperator<decltype(resize_bilinear_cat_cpu)> forward_op("adsam::resize_bilinear_cat");
const OwnOperator<decltype(resize_bilinear_cat_backward_cpu)> backward_op("adsam::_resize_bilinear_cat_backward");

class ResizeBilinearCat : public torch::autograd::Function<ResizeBilinearCat> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& skip) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->saved_data["shape"] = input.sizes();
    return forward_op.call(input, skip);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto shape = context->saved_data["shape"].toIntVector();
    auto [input, skip] = backward_op.call(gradients[0], shape);
    return {input, skip};
  }
};

Tensor autograd(const Tensor& input, const Tensor& skip) {
  if (input.is_cuda()) return resize_bilinear_cat_composite(input, skip);
  return ResizeBilinearCat::apply(input, skip);
}

std::tuple<Tensor, Tensor> autograd_backward(const Tensor& gradient, IntArrayRef input_size) {
  refuse_second_derivative("resize_bilinear_cat", {gradient});
  at::AutoDispatchBelowADInplaceOrView below;
  return backward_op.call(gradient, input_size);
}

/** Both in the wider of their dtypes, as `cat` does. */
Tensor autocast(const Tensor& input, const Tensor& skip) {
  const auto device = input.device().type();
  const WithoutAutocast guard(device);
  const auto type = at::result_type(input, skip);
  return forward_op.call(at::autocast::cached_cast(type, input, device),
                         at::autocast::cached_cast(type, skip, device));
}

Tensor meta(const Tensor& input, const Tensor& skip) {
  check_resize_cat(input, skip);
  return at::empty({skip.size(0), input.size(1) + skip.size(1), skip.size(2), skip.size(3)},
                   input.options().memory_format(at::MemoryFormat::ChannelsLast));
}

std::tuple<Tensor, Tensor> meta_backward(const Tensor& gradient, IntArrayRef input_size) {
  const auto options = gradient.options().memory_format(at::MemoryFormat::ChannelsLast);
  return {at::empty(input_size, options),
          at::empty({gradient.size(0), gradient.size(1) - input_size[1], gradient.size(2), gradient.size(3)}, options)};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("resize_bilinear_cat(Tensor input, Tensor skip) -> Tensor");
  m.def("_resize_bilinear_cat_backward(Tensor grad, int[] input_size) -> (Tensor, Tensor)");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def("_resize_bilinear_cat_composite(Tensor input, Tensor skip) -> Tensor", TORCH_FN(resize_bilinear_cat_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("resize_bilinear_cat", TORCH_FN(resize_bilinear_cat_cpu));
  m.impl("_resize_bilinear_cat_backward", TORCH_FN(resize_bilinear_cat_backward_cpu));
}

TORCH_LIBRARY_IMPL(adsam, CUDA, m) { m.impl("resize_bilinear_cat", TORCH_FN(resize_bilinear_cat_composite)); }

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("resize_bilinear_cat", TORCH_FN(meta));
  m.impl("_resize_bilinear_cat_backward", TORCH_FN(meta_backward));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) {
  m.impl("resize_bilinear_cat", TORCH_FN(autograd));
  m.impl("_resize_bilinear_cat_backward", TORCH_FN(autograd_backward));
}

TORCH_LIBRARY_IMPL(adsam, AutocastCPU, m) { m.impl("resize_bilinear_cat", TORCH_FN(autocast)); }
TORCH_LIBRARY_IMPL(adsam, Autocast, m) { m.impl("resize_bilinear_cat", TORCH_FN(autocast)); }

}  // namespace adsam
