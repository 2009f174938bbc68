#include <torch/csrc/autograd/custom_function.h>

#include "common/autocast.h"
#include "common/once.h"
#include "common/own_operator.h"
#include "deform_conv/deform_conv.h"
#include "deform_conv/plan.h"
#include "gpu/has_kernels.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const OwnOperator<decltype(deform_conv2d_cpu)> forward_op("adsam::deform_conv2d");
const OwnOperator<decltype(deform_conv2d_backward_cpu)> backward_op("adsam::_deform_conv2d_backward");

class DeformConv2d : public torch::autograd::Function<DeformConv2d> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input, const Tensor& weight, const Tensor& offset,
                        const Optional<Tensor>& mask, const Optional<Tensor>& bias, IntArrayRef stride,
                        IntArrayRef padding, IntArrayRef dilation, int64_t groups, int64_t offset_groups) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({input, weight, offset, value_or_undefined(mask), value_or_undefined(bias)});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    context->saved_data["dilation"] = dilation;
    context->saved_data["groups"] = groups;
    context->saved_data["offset_groups"] = offset_groups;
    return forward_op.call(input, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    std::array<bool, 5> wanted{};
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = saved[i].defined() && saved[i].requires_grad();
    Optional<Tensor> mask;
    if (saved[3].defined()) mask = saved[3];
    auto& data = context->saved_data;
    const auto stride = data["stride"].toIntVector(), padding = data["padding"].toIntVector(),
               dilation = data["dilation"].toIntVector();
    auto [input, weight, offset, mask_gradient, bias] =
        backward_op.call(gradients[0], saved[0], saved[1], saved[2], mask, stride, padding, dilation,
                         data["groups"].toInt(), data["offset_groups"].toInt(), wanted);
    const Tensor none;
    return {input, weight, offset, mask_gradient, bias, none, none, none, none, none};
  }
};

Tensor autograd(const Tensor& input, const Tensor& weight, const Tensor& offset, const Optional<Tensor>& mask,
                const Optional<Tensor>& bias, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation,
                int64_t groups, int64_t offset_groups) {
  if (input.is_cuda() && !kHasCudaKernels)
    return deform_conv2d_composite(input, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups);
  return DeformConv2d::apply(input, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups);
}

DeformGradients autograd_backward(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                  const Tensor& offset, const Optional<Tensor>& mask, IntArrayRef stride,
                                  IntArrayRef padding, IntArrayRef dilation, int64_t groups, int64_t offset_groups,
                                  std::array<bool, 5> wanted) {
  refuse_second_derivative("deform_conv2d", {gradient, input, weight, offset, value_or_undefined(mask)});
  at::AutoDispatchBelowADInplaceOrView below;
  return backward_op.call(gradient, input, weight, offset, mask, stride, padding, dilation, groups, offset_groups,
                          wanted);
}

/** Pictures and weights in the low precision; places and masks stay as they are, since every kernel reads them in
 * float32 anyway. */
Tensor autocast(const Tensor& input, const Tensor& weight, const Tensor& offset, const Optional<Tensor>& mask,
                const Optional<Tensor>& bias, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation,
                int64_t groups, int64_t offset_groups) {
  const WithoutAutocast guard(input.device().type());
  Optional<Tensor> low_bias;
  if (bias.has_value()) low_bias = to_autocast_type(*bias);
  return forward_op.call(to_autocast_type(input), to_autocast_type(weight), offset, mask, low_bias, stride, padding,
                         dilation, groups, offset_groups);
}

Tensor meta(const Tensor& input, const Tensor& weight, const Tensor& offset, const Optional<Tensor>& mask,
            const Optional<Tensor>& bias, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation, int64_t groups,
            int64_t offset_groups) {
  const auto g = deform_geometry(input, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups);
  return at::empty({g.batch, g.out_channels, g.out_height, g.out_width},
                   input.options().memory_format(deform_format(input)));
}

DeformGradients meta_backward(const Tensor& gradient, const Tensor& input, const Tensor& weight, const Tensor& offset,
                              const Optional<Tensor>& mask, IntArrayRef stride, IntArrayRef padding,
                              IntArrayRef dilation, int64_t groups, int64_t offset_groups, std::array<bool, 5> wanted) {
  const auto like = [&](bool want, const Tensor& tensor) { return want ? at::empty_like(tensor) : Tensor(); };
  return {like(wanted[0], input), like(wanted[1], weight), like(wanted[2], offset),
          like(wanted[3] && mask.has_value(), value_or_undefined(mask)),
          wanted[4] ? at::empty({weight.size(0)}, weight.options()) : Tensor()};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def(
      "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor? mask=None, Tensor? bias=None, int[2] "
      "stride=1, "
      "int[2] padding=0, int[2] dilation=1, int groups=1, int offset_groups=1) -> Tensor");
  m.def(
      "_deform_conv2d_backward(Tensor grad, Tensor input, Tensor weight, Tensor offset, Tensor? mask, int[2] stride, "
      "int[2] padding, "
      "int[2] dilation, int groups, int offset_groups, bool[5] wanted) -> (Tensor, Tensor, Tensor, Tensor, Tensor)");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def(
      "_deform_conv2d_composite(Tensor input, Tensor weight, Tensor offset, Tensor? mask=None, Tensor? bias=None, "
      "int[2] stride=1, "
      "int[2] padding=0, int[2] dilation=1, int groups=1, int offset_groups=1) -> Tensor",
      TORCH_FN(deform_conv2d_composite));
  m.def("_deform_conv2d_instruction_set(str name) -> str",
        [](c10::string_view name) { return use_deform_instruction_set({name.data(), name.size()}); });
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("deform_conv2d", TORCH_FN(deform_conv2d_cpu));
  m.impl("_deform_conv2d_backward", TORCH_FN(deform_conv2d_backward_cpu));
}

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("deform_conv2d", TORCH_FN(meta));
  m.impl("_deform_conv2d_backward", TORCH_FN(meta_backward));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) {
  m.impl("deform_conv2d", TORCH_FN(autograd));
  m.impl("_deform_conv2d_backward", TORCH_FN(autograd_backward));
}

TORCH_LIBRARY_IMPL(adsam, AutocastCPU, m) { m.impl("deform_conv2d", TORCH_FN(autocast)); }
TORCH_LIBRARY_IMPL(adsam, Autocast, m) { m.impl("deform_conv2d", TORCH_FN(autocast)); }

}  // namespace adsam
