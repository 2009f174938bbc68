#include <torch/csrc/autograd/custom_function.h>

#include "common/autocast.h"
#include "common/own_operator.h"
#include "gpu/has_kernels.h"
#include "lovasz/lovasz.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor forward_cpu(const Tensor& probabilities, const Tensor& labels, int64_t ignore_index, bool per_image) {
  return std::get<0>(lovasz_softmax_with_gradient_cpu(probabilities, labels, ignore_index, per_image, false));
}

const OwnOperator<decltype(forward_cpu)> forward_op("adsam::lovasz_softmax");
const OwnOperator<decltype(lovasz_softmax_with_gradient_cpu)> gradient_op("adsam::_lovasz_softmax_with_gradient");

class LovaszSoftmax : public torch::autograd::Function<LovaszSoftmax> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& probabilities, const Tensor& labels,
                        int64_t ignore_index, bool per_image, bool with_gradient) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [loss, gradient] = gradient_op.call(probabilities, labels, ignore_index, per_image, with_gradient);
    context->save_for_backward({gradient});
    context->saved_data["type"] = probabilities.scalar_type();
    return loss;
  }

  /** The loss is piecewise linear in the probabilities, so its gradient was made with it. */
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto type = context->saved_data["type"].toScalarType();
    const Tensor none;
    return {(context->get_saved_variables()[0] * gradients[0]).to(type), none, none, none, none};
  }
};

Tensor autograd(const Tensor& probabilities, const Tensor& labels, int64_t ignore_index, bool per_image) {
  if (probabilities.is_cuda() && !kHasCudaKernels)
    return lovasz_softmax_composite(probabilities, labels, ignore_index, per_image);
  const bool with_gradient = at::GradMode::is_enabled() && probabilities.requires_grad();
  return LovaszSoftmax::apply(probabilities, labels, ignore_index, per_image, with_gradient);
}

/** A loss over many pixels wants float32. */
Tensor autocast(const Tensor& probabilities, const Tensor& labels, int64_t ignore_index, bool per_image) {
  const auto device = probabilities.device().type();
  const WithoutAutocast guard(device);
  return forward_op.call(at::autocast::cached_cast(at::kFloat, probabilities, device), labels, ignore_index,
                         per_image);
}

std::tuple<Tensor, Tensor> meta_with_gradient(const Tensor& probabilities, const Tensor& labels, int64_t ignore_index,
                                              bool per_image, bool with_gradient) {
  check_lovasz(probabilities, labels);
  const auto options = probabilities.options().dtype(lovasz_type(probabilities));
  return {at::empty({}, options), with_gradient ? at::empty(probabilities.sizes(), options) : Tensor()};
}

Tensor meta(const Tensor& probabilities, const Tensor& labels, int64_t ignore_index, bool per_image) {
  return std::get<0>(meta_with_gradient(probabilities, labels, ignore_index, per_image, false));
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("lovasz_softmax(Tensor probabilities, Tensor labels, int ignore_index=255, bool per_image=True) -> Tensor");
  m.def(
      "_lovasz_softmax_with_gradient(Tensor probabilities, Tensor labels, int ignore_index, bool per_image, bool "
      "with_gradient) "
      "-> (Tensor, Tensor)");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def(
      "_lovasz_softmax_composite(Tensor probabilities, Tensor labels, int ignore_index=255, bool per_image=True) -> "
      "Tensor",
      TORCH_FN(lovasz_softmax_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("lovasz_softmax", TORCH_FN(forward_cpu));
  m.impl("_lovasz_softmax_with_gradient", TORCH_FN(lovasz_softmax_with_gradient_cpu));
}

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("lovasz_softmax", TORCH_FN(meta));
  m.impl("_lovasz_softmax_with_gradient", TORCH_FN(meta_with_gradient));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) { m.impl("lovasz_softmax", TORCH_FN(autograd)); }
TORCH_LIBRARY_IMPL(adsam, AutocastCPU, m) { m.impl("lovasz_softmax", TORCH_FN(autocast)); }
TORCH_LIBRARY_IMPL(adsam, Autocast, m) { m.impl("lovasz_softmax", TORCH_FN(autocast)); }

}  // namespace adsam
