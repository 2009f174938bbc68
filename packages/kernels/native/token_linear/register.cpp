#include <ATen/core/grad_mode.h>

#include "common/autocast.h"
#include "common/own_operator.h"
#include "token_linear/token_linear.h"

namespace adsam {
namespace {

const OwnOperator<decltype(token_linear_cpu)> linear_op("adsam::token_linear");
const OwnOperator<decltype(token_mlp_cpu)> mlp_op("adsam::token_mlp");

/** These have no backward: what needs one takes plain layers. */
void refuse_gradients(const char* op, std::initializer_list<Tensor> inputs) {
  if (!at::GradMode::is_enabled()) return;
  for (const Tensor& input : inputs)
    TORCH_CHECK(!(input.defined() && input.requires_grad()), op,
                ": found an argument that requires gradients, expected none, or noGrad. Use plain linear layers to train.");
}

Tensor linear_autograd(const Tensor& x, const Tensor& weight, const Optional<Tensor>& bias,
                       const Optional<Tensor>& norm_weight, const Optional<Tensor>& norm_bias, double eps,
                       const Optional<Tensor>& residual, bool low) {
  refuse_gradients("token_linear", {x, weight, value_or_undefined(bias), value_or_undefined(norm_weight),
                                    value_or_undefined(norm_bias), value_or_undefined(residual)});
  at::AutoDispatchBelowADInplaceOrView below;
  return linear_op.call(x, weight, bias, norm_weight, norm_bias, eps, residual, low);
}

Tensor mlp_autograd(const Tensor& x, const Optional<Tensor>& norm_weight, const Optional<Tensor>& norm_bias, double eps,
                    const Tensor& weight1, const Optional<Tensor>& bias1, const Tensor& weight2,
                    const Optional<Tensor>& bias2, const Optional<Tensor>& residual, bool low) {
  refuse_gradients("token_mlp", {x, value_or_undefined(norm_weight), value_or_undefined(norm_bias), weight1,
                                 value_or_undefined(bias1), weight2, value_or_undefined(bias2),
                                 value_or_undefined(residual)});
  at::AutoDispatchBelowADInplaceOrView below;
  return mlp_op.call(x, norm_weight, norm_bias, eps, weight1, bias1, weight2, bias2, residual, low);
}

/** Products of bfloat16, with sums, norms and residuals in float32; weights are converted as they are packed. */
Tensor linear_autocast(const Tensor& x, const Tensor& weight, const Optional<Tensor>& bias,
                       const Optional<Tensor>& norm_weight, const Optional<Tensor>& norm_bias, double eps,
                       const Optional<Tensor>& residual, bool) {
  const WithoutAutocast guard(x.device().type());
  return linear_op.call(x, weight, bias, norm_weight, norm_bias, eps, residual, true);
}

Tensor mlp_autocast(const Tensor& x, const Optional<Tensor>& norm_weight, const Optional<Tensor>& norm_bias, double eps,
                    const Tensor& weight1, const Optional<Tensor>& bias1, const Tensor& weight2,
                    const Optional<Tensor>& bias2, const Optional<Tensor>& residual, bool) {
  const WithoutAutocast guard(x.device().type());
  return mlp_op.call(x, norm_weight, norm_bias, eps, weight1, bias1, weight2, bias2, residual, true);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def(
      "token_linear(Tensor x, Tensor weight, Tensor? bias, Tensor? norm_weight, Tensor? norm_bias, float eps, "
      "Tensor? residual, bool low) -> Tensor");
  m.def(
      "token_mlp(Tensor x, Tensor? norm_weight, Tensor? norm_bias, float eps, Tensor weight1, Tensor? bias1, "
      "Tensor weight2, Tensor? bias2, Tensor? residual, bool low) -> Tensor");
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("token_linear", TORCH_FN(token_linear_cpu));
  m.impl("token_mlp", TORCH_FN(token_mlp_cpu));
}

TORCH_LIBRARY_IMPL(adsam, AutogradCPU, m) {
  m.impl("token_linear", TORCH_FN(linear_autograd));
  m.impl("token_mlp", TORCH_FN(mlp_autograd));
}

TORCH_LIBRARY_IMPL(adsam, AutocastCPU, m) {
  m.impl("token_linear", TORCH_FN(linear_autocast));
  m.impl("token_mlp", TORCH_FN(mlp_autocast));
}

}  // namespace adsam
