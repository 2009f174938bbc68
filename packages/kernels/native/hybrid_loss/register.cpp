#include <torch/csrc/autograd/custom_function.h>

#include "common/check.h"
#include "common/own_operator.h"
#include "hybrid_loss/hybrid_loss.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Doubles = c10::ArrayRef<double>;

HybridSettings settings_of(Doubles weights, Doubles class_weights, double focal_alpha, double focal_gamma,
                           double dice_smooth, int64_t ignore_index) {
  ADSAM_CHECK(weights.size() == kHybridTerms, "hybrid_loss weights", c10::str(weights.size(), " of them"),
              "5: focal, dice, lovasz, surface, cross-entropy", "Give 0 to a term that is not wanted.");
  HybridSettings settings{{}, class_weights.vec(), focal_alpha, focal_gamma, dice_smooth, ignore_index};
  std::copy(weights.begin(), weights.end(), settings.weights.begin());
  return settings;
}

std::tuple<Tensor, Tensor, Tensor> with_gradient_cpu(const Tensor& logits, const Tensor& labels,
                                                     const Optional<Tensor>& distances, Doubles weights,
                                                     Doubles class_weights, double focal_alpha, double focal_gamma,
                                                     double dice_smooth, int64_t ignore_index, bool with_gradient) {
  const auto settings = settings_of(weights, class_weights, focal_alpha, focal_gamma, dice_smooth, ignore_index);
  return hybrid_loss_with_gradient_cpu(logits, labels, value_or_undefined(distances), settings, with_gradient);
}

std::tuple<Tensor, Tensor, Tensor> with_gradient_meta(const Tensor& logits, const Tensor& labels,
                                                      const Optional<Tensor>& distances, Doubles weights,
                                                      Doubles class_weights, double focal_alpha, double focal_gamma,
                                                      double dice_smooth, int64_t ignore_index, bool with_gradient) {
  const auto settings = settings_of(weights, class_weights, focal_alpha, focal_gamma, dice_smooth, ignore_index);
  check_hybrid(logits, labels, value_or_undefined(distances), settings);
  const auto options = logits.options().dtype(compute_type(logits));
  return {at::empty({}, options), at::empty({kHybridTerms}, options),
          with_gradient ? at::empty_like(logits, options) : Tensor()};
}

const OwnOperator<decltype(with_gradient_cpu)> gradient_op("adsam::_hybrid_loss_with_gradient");

std::tuple<Tensor, Tensor> forward(const Tensor& logits, const Tensor& labels, const Optional<Tensor>& distances,
                                   Doubles weights, Doubles class_weights, double focal_alpha, double focal_gamma,
                                   double dice_smooth, int64_t ignore_index) {
  auto [total, parts, gradient] = gradient_op.call(logits, labels, distances, weights, class_weights, focal_alpha,
                                                   focal_gamma, dice_smooth, ignore_index, false);
  return {total, parts};
}

class HybridLoss : public torch::autograd::Function<HybridLoss> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& logits, const Tensor& labels,
                               const Optional<Tensor>& distances, Doubles weights, Doubles class_weights,
                               double focal_alpha, double focal_gamma, double dice_smooth, int64_t ignore_index) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [total, parts, gradient] = gradient_op.call(logits, labels, distances, weights, class_weights, focal_alpha,
                                                     focal_gamma, dice_smooth, ignore_index, true);
    context->save_for_backward({gradient});
    context->saved_data["type"] = logits.scalar_type();
    context->mark_non_differentiable({parts});
    return {total, parts};
  }

  /** The gradient was made with the value; for low-precision logits it is rounded only after the cotangent, which may
   * be a loss scale that keeps it from vanishing. */
  static variable_list backward(AutogradContext* context, const variable_list& cotangents) {
    TORCH_CHECK(!at::GradMode::is_enabled(),
                "hybrid_loss: found a request for second derivatives (createGraph), expected first derivatives only. "
                "Call backward without createGraph, or add up the separate losses.");
    variable_list result(9);
    const Tensor gradient = context->get_saved_variables()[0];
    const auto type = context->saved_data["type"].toScalarType();
    const bool as_it_is = gradient.scalar_type() == type && cotangents[0].item<double>() == 1;
    result[0] = as_it_is ? gradient : (gradient * cotangents[0]).to(type);
    return result;
  }
};

std::tuple<Tensor, Tensor> autograd(const Tensor& logits, const Tensor& labels, const Optional<Tensor>& distances,
                                    Doubles weights, Doubles class_weights, double focal_alpha, double focal_gamma,
                                    double dice_smooth, int64_t ignore_index) {
  if (!at::GradMode::is_enabled() || !logits.requires_grad()) {
    at::AutoDispatchBelowADInplaceOrView below;
    return forward(logits, labels, distances, weights, class_weights, focal_alpha, focal_gamma, dice_smooth,
                   ignore_index);
  }
  const variable_list outputs = HybridLoss::apply(logits, labels, distances, weights, class_weights, focal_alpha,
                                                  focal_gamma, dice_smooth, ignore_index);
  return {outputs[0], outputs[1]};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def(
      "hybrid_loss(Tensor logits, Tensor labels, Tensor? distances, float[] weights, float[] class_weights, float "
      "focal_alpha, float focal_gamma, float dice_smooth, int ignore_index) -> (Tensor, Tensor)");
  m.def(
      "_hybrid_loss_with_gradient(Tensor logits, Tensor labels, Tensor? distances, float[] weights, float[] "
      "class_weights, float focal_alpha, float focal_gamma, float dice_smooth, int ignore_index, bool with_gradient) "
      "-> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("hybrid_loss", TORCH_FN(forward));
  m.impl("_hybrid_loss_with_gradient", TORCH_FN(with_gradient_cpu));
}

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("hybrid_loss", TORCH_FN(forward));
  m.impl("_hybrid_loss_with_gradient", TORCH_FN(with_gradient_meta));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) { m.impl("hybrid_loss", TORCH_FN(autograd)); }

}  // namespace adsam
