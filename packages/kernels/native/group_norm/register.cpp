#include <torch/csrc/autograd/custom_function.h>

#include "common/autocast.h"
#include "common/once.h"
#include "common/own_operator.h"
#include "group_norm/group_norm.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

Tensor forward_cpu(const Tensor& input, int64_t groups, const Optional<Tensor>& weight, const Optional<Tensor>& bias,
                   double eps, bool gelu) {
  return std::get<0>(group_norm_with_statistics_cpu(input, groups, weight, bias, eps, gelu));
}

const OwnOperator<decltype(forward_cpu)> forward_op("adsam::group_norm");
const OwnOperator<decltype(group_norm_with_statistics_cpu)> statistics_op("adsam::_group_norm_with_statistics");
const OwnOperator<decltype(group_norm_backward_cpu)> backward_op("adsam::_group_norm_backward");

Optional<Tensor> if_defined(const Tensor& tensor) {
  Optional<Tensor> result;
  if (tensor.defined()) result = tensor;
  return result;
}

class GroupNorm : public torch::autograd::Function<GroupNorm> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input, int64_t groups, const Optional<Tensor>& weight,
                        const Optional<Tensor>& bias, double eps, bool gelu) {
    at::AutoDispatchBelowADInplaceOrView below;
    auto [output, mean, rstd] = statistics_op.call(input, groups, weight, bias, eps, gelu);
    context->save_for_backward({input, mean, rstd, value_or_undefined(weight), value_or_undefined(bias)});
    context->saved_data["groups"] = groups;
    context->saved_data["gelu"] = gelu;
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const auto wants = [&](size_t i) { return saved[i].defined() && saved[i].requires_grad(); };
    auto [input, weight, bias] = backward_op.call(
        gradients[0], saved[0], saved[1], saved[2], context->saved_data["groups"].toInt(), if_defined(saved[3]),
        if_defined(saved[4]), context->saved_data["gelu"].toBool(), {wants(0), wants(3), wants(4)});
    const Tensor none;
    return {input, none, weight, bias, none, none};
  }
};

Tensor autograd(const Tensor& input, int64_t groups, const Optional<Tensor>& weight, const Optional<Tensor>& bias,
                double eps, bool gelu) {
  if (input.is_cuda()) return group_norm_composite(input, groups, weight, bias, eps, gelu);
  return GroupNorm::apply(input, groups, weight, bias, eps, gelu);
}

GroupNormGradients autograd_backward(const Tensor& gradient, const Tensor& input, const Tensor& mean,
                                     const Tensor& rstd, int64_t groups, const Optional<Tensor>& weight,
                                     const Optional<Tensor>& bias, bool gelu, std::array<bool, 3> wanted) {
  refuse_second_derivative("group_norm",
                           {gradient, input, mean, rstd, value_or_undefined(weight), value_or_undefined(bias)});
  at::AutoDispatchBelowADInplaceOrView below;
  return backward_op.call(gradient, input, mean, rstd, groups, weight, bias, gelu, wanted);
}

/** Every kernel computes in float32 whatever it is given, so nothing is cast. */
Tensor autocast(const Tensor& input, int64_t groups, const Optional<Tensor>& weight, const Optional<Tensor>& bias,
                double eps, bool gelu) {
  const WithoutAutocast guard(input.device().type());
  return forward_op.call(input, groups, weight, bias, eps, gelu);
}

std::tuple<Tensor, Tensor, Tensor> meta_with_statistics(const Tensor& input, int64_t groups,
                                                        const Optional<Tensor>& weight, const Optional<Tensor>& bias,
                                                        double, bool) {
  check_group_norm(input, groups, weight, bias);
  const Tensor mean = at::empty({input.size(0), groups}, input.options().dtype(compute_type(input)));
  return {at::empty_like(input), mean, at::empty_like(mean)};
}

Tensor meta(const Tensor& input, int64_t groups, const Optional<Tensor>& weight, const Optional<Tensor>& bias,
            double eps, bool gelu) {
  return std::get<0>(meta_with_statistics(input, groups, weight, bias, eps, gelu));
}

GroupNormGradients meta_backward(const Tensor&, const Tensor& input, const Tensor&, const Tensor&, int64_t,
                                 const Optional<Tensor>& weight, const Optional<Tensor>& bias, bool,
                                 std::array<bool, 3> wanted) {
  const auto like = [&](bool want, const Tensor& tensor) { return want ? at::empty_like(tensor) : Tensor(); };
  return {like(wanted[0], input), like(wanted[1], value_or_undefined(weight)),
          like(wanted[2], value_or_undefined(bias))};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def(
      "group_norm(Tensor input, int groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, bool gelu=False) "
      "-> Tensor");
  m.def(
      "_group_norm_with_statistics(Tensor input, int groups, Tensor? weight, Tensor? bias, float eps, bool gelu) "
      "-> (Tensor, Tensor, Tensor)");
  m.def(
      "_group_norm_backward(Tensor grad, Tensor input, Tensor mean, Tensor rstd, int groups, Tensor? weight, "
      "Tensor? bias, bool gelu, bool[3] wanted) -> (Tensor, Tensor, Tensor)");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def(
      "_group_norm_composite(Tensor input, int groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, "
      "bool gelu=False) -> Tensor",
      TORCH_FN(group_norm_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("group_norm", TORCH_FN(forward_cpu));
  m.impl("_group_norm_with_statistics", TORCH_FN(group_norm_with_statistics_cpu));
  m.impl("_group_norm_backward", TORCH_FN(group_norm_backward_cpu));
}

TORCH_LIBRARY_IMPL(adsam, CUDA, m) { m.impl("group_norm", TORCH_FN(group_norm_composite)); }

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("group_norm", TORCH_FN(meta));
  m.impl("_group_norm_with_statistics", TORCH_FN(meta_with_statistics));
  m.impl("_group_norm_backward", TORCH_FN(meta_backward));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) {
  m.impl("group_norm", TORCH_FN(autograd));
  m.impl("_group_norm_backward", TORCH_FN(autograd_backward));
}

TORCH_LIBRARY_IMPL(adsam, AutocastCPU, m) { m.impl("group_norm", TORCH_FN(autocast)); }
TORCH_LIBRARY_IMPL(adsam, Autocast, m) { m.impl("group_norm", TORCH_FN(autocast)); }

}  // namespace adsam
