#include <torch/csrc/autograd/custom_function.h>

#include "common/autocast.h"
#include "common/once.h"
#include "common/own_operator.h"
#include "gpu/has_kernels.h"
#include "ms_deform_attn/ms_deform_attn.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const OwnOperator<decltype(ms_deform_attn_cpu)> forward_op("adsam::ms_deform_attn");
const OwnOperator<decltype(ms_deform_attn_backward_cpu)> backward_op("adsam::_ms_deform_attn_backward");

class MsDeformAttn : public torch::autograd::Function<MsDeformAttn> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& value, IntArrayRef spatial_shapes,
                        const Tensor& locations, const Tensor& weights) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({value, locations, weights});
    context->saved_data["spatial_shapes"] = spatial_shapes;
    return forward_op.call(value, spatial_shapes, locations, weights);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto spatial_shapes = context->saved_data["spatial_shapes"].toIntVector();
    auto [value, locations, weights] =
        backward_op.call(gradients[0], saved[0], spatial_shapes, saved[1], saved[2],
                         {saved[0].requires_grad(), saved[1].requires_grad(), saved[2].requires_grad()});
    return {value, Tensor(), locations, weights};
  }
};

Tensor autograd(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& locations, const Tensor& weights) {
  if (value.is_cuda() && !kHasCudaKernels)
    return ms_deform_attn_composite(value, spatial_shapes, locations, weights);
  return MsDeformAttn::apply(value, spatial_shapes, locations, weights);
}

AttentionGradientTensors autograd_backward(const Tensor& gradient, const Tensor& value, IntArrayRef spatial_shapes,
                                           const Tensor& locations, const Tensor& weights, std::array<bool, 3> wanted) {
  refuse_second_derivative("ms_deform_attn", {gradient, value, locations, weights});
  at::AutoDispatchBelowADInplaceOrView below;
  return backward_op.call(gradient, value, spatial_shapes, locations, weights, wanted);
}

/** Values in the low precision; places and weights stay as they are, since every kernel reads them in float32 anyway.
 */
Tensor autocast(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& locations, const Tensor& weights) {
  const WithoutAutocast guard(value.device().type());
  return forward_op.call(to_autocast_type(value), spatial_shapes, locations, weights);
}

Tensor meta(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& locations, const Tensor& weights) {
  const auto g = attention_geometry(value, spatial_shapes, locations, weights);
  return at::empty({g.batch, g.queries, g.channels()}, value.options());
}

AttentionGradientTensors meta_backward(const Tensor& gradient, const Tensor& value, IntArrayRef spatial_shapes,
                                       const Tensor& locations, const Tensor& weights, std::array<bool, 3> wanted) {
  const auto like = [](bool want, const Tensor& tensor) { return want ? at::empty_like(tensor) : Tensor(); };
  return {like(wanted[0], value), like(wanted[1], locations), like(wanted[2], weights)};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def(
      "ms_deform_attn(Tensor value, int[] spatial_shapes, Tensor sampling_locations, Tensor attention_weights) -> "
      "Tensor");
  m.def(
      "_ms_deform_attn_backward(Tensor grad, Tensor value, int[] spatial_shapes, Tensor sampling_locations, Tensor "
      "attention_weights, "
      "bool[3] wanted) -> (Tensor, Tensor, Tensor)");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def(
      "_ms_deform_attn_composite(Tensor value, int[] spatial_shapes, Tensor sampling_locations, Tensor "
      "attention_weights) -> Tensor",
      TORCH_FN(ms_deform_attn_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("ms_deform_attn", TORCH_FN(ms_deform_attn_cpu));
  m.impl("_ms_deform_attn_backward", TORCH_FN(ms_deform_attn_backward_cpu));
}

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("ms_deform_attn", TORCH_FN(meta));
  m.impl("_ms_deform_attn_backward", TORCH_FN(meta_backward));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) {
  m.impl("ms_deform_attn", TORCH_FN(autograd));
  m.impl("_ms_deform_attn_backward", TORCH_FN(autograd_backward));
}

TORCH_LIBRARY_IMPL(adsam, AutocastCPU, m) { m.impl("ms_deform_attn", TORCH_FN(autocast)); }
TORCH_LIBRARY_IMPL(adsam, Autocast, m) { m.impl("ms_deform_attn", TORCH_FN(autocast)); }

}  // namespace adsam
