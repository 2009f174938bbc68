#include <torch/csrc/autograd/custom_function.h>

#include "common/autocast.h"
#include "common/once.h"
#include "common/own_operator.h"
#include "conv3x3/conv3x3.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const OwnOperator<decltype(conv3x3_cpu)> forward_op("adsam::conv3x3");
const OwnOperator<decltype(conv3x3_backward_cpu)> backward_op("adsam::_conv3x3_backward");

class Conv3x3 : public torch::autograd::Function<Conv3x3> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weight,
                        const Optional<Tensor>& bias, int64_t stride, bool relu,
                        c10::string_view algorithm) {
    at::AutoDispatchBelowADInplaceOrView below;
    const Tensor output = forward_op.call(input, weight, bias, stride, relu, algorithm);
    // Where ReLU let nothing through, it shows in the output: the sum before it need not be kept.
    context->save_for_backward({input, weight, value_or_undefined(bias), relu ? output : Tensor()});
    context->saved_data["stride"] = stride;
    context->saved_data["algorithm"] = std::string(algorithm);
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    std::array<bool, 3> wanted{};
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = saved[i].defined() && saved[i].requires_grad();
    const Tensor gradient =
        saved[3].defined() ? at::threshold_backward(gradients[0], saved[3], /*threshold*/ 0) : gradients[0];
    const std::string algorithm = context->saved_data["algorithm"].toStringRef();
    auto [input, weight, bias] = backward_op.call(gradient, saved[0], saved[1], context->saved_data["stride"].toInt(), algorithm, wanted);
    return {input, weight, bias, Tensor(), Tensor(), Tensor()};
  }
};

Tensor autograd(const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias, int64_t stride, bool relu,
                c10::string_view algorithm) {
  if (input.is_cuda()) return conv3x3_composite(input, weight, bias, stride, relu, algorithm);
  return Conv3x3::apply(input, weight, bias, stride, relu, algorithm);
}

ConvGradients autograd_backward(const Tensor& gradient, const Tensor& input, const Tensor& weight, int64_t stride,
                                c10::string_view algorithm, std::array<bool, 3> wanted) {
  refuse_second_derivative("conv3x3", {gradient, input, weight});
  at::AutoDispatchBelowADInplaceOrView below;
  return backward_op.call(gradient, input, weight, stride, algorithm, wanted);
}

Tensor autocast(const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias, int64_t stride, bool relu,
                c10::string_view algorithm) {
  const WithoutAutocast guard(input.device().type());
  Optional<Tensor> low_bias;
  if (bias.has_value()) low_bias = to_autocast_type(*bias);
  return forward_op.call(to_autocast_type(input), to_autocast_type(weight), low_bias, stride, relu, algorithm);
}

Tensor meta(const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias, int64_t stride, bool relu,
            c10::string_view) {
  check_conv3x3(input, weight, value_or_undefined(bias), stride);
  const auto size = [stride](int64_t size) { return (size - 1) / stride + 1; };
  return at::empty({input.size(0), weight.size(0), size(input.size(2)), size(input.size(3))},
                   input.options().memory_format(input.suggest_memory_format()));
}

ConvGradients meta_backward(const Tensor& gradient, const Tensor& input, const Tensor& weight, int64_t stride, c10::string_view,
                            std::array<bool, 3> wanted) {
  const auto like = [](bool want, const Tensor& tensor) { return want ? at::empty_like(tensor) : Tensor(); };
  return {like(wanted[0], input), like(wanted[1], weight),
          wanted[2] ? at::empty({weight.size(0)}, weight.options()) : Tensor()};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def(
      "conv3x3(Tensor input, Tensor weight, Tensor? bias=None, int stride=1, bool relu=False, str algorithm='auto') -> Tensor");
  m.def(
      "_conv3x3_backward(Tensor grad, Tensor input, Tensor weight, int stride, str algorithm, bool[3] wanted) -> (Tensor, Tensor, "
      "Tensor)");
  m.def(
      "_conv3x3_composite(Tensor input, Tensor weight, Tensor? bias=None, int stride=1, bool relu=False, str algorithm='auto') -> "
      "Tensor",
      TORCH_FN(conv3x3_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("conv3x3", TORCH_FN(conv3x3_cpu));
  m.impl("_conv3x3_backward", TORCH_FN(conv3x3_backward_cpu));
}

TORCH_LIBRARY_IMPL(adsam, CUDA, m) { m.impl("conv3x3", TORCH_FN(conv3x3_composite)); }

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("conv3x3", TORCH_FN(meta));
  m.impl("_conv3x3_backward", TORCH_FN(meta_backward));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) {
  m.impl("conv3x3", TORCH_FN(autograd));
  m.impl("_conv3x3_backward", TORCH_FN(autograd_backward));
}

TORCH_LIBRARY_IMPL(adsam, AutocastCPU, m) { m.impl("conv3x3", TORCH_FN(autocast)); }
TORCH_LIBRARY_IMPL(adsam, Autocast, m) { m.impl("conv3x3", TORCH_FN(autocast)); }

}  // namespace adsam
