#include <torch/csrc/autograd/custom_function.h>

#include "activation/activation.h"
#include "common/once.h"
#include "common/own_operator.h"

namespace adsam {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const OwnOperator<decltype(gelu_cpu)> gelu_op("adsam::gelu");
const OwnOperator<decltype(gelu_backward_cpu)> gelu_backward_op("adsam::_gelu_backward");
const OwnOperator<decltype(add_relu_cpu)> add_relu_op("adsam::add_relu_");

class Gelu : public torch::autograd::Function<Gelu> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& input) {
    at::AutoDispatchBelowADInplaceOrView below;
    context->save_for_backward({input});
    return gelu_op.call(input);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {gelu_backward_op.call(gradients[0], context->get_saved_variables()[0])};
  }
};

Tensor gelu_composite(const Tensor& input) { return at::gelu(input); }

Tensor autograd_gelu(const Tensor& input) { return input.is_cuda() ? gelu_composite(input) : Gelu::apply(input); }

Tensor autograd_gelu_backward(const Tensor& gradient, const Tensor& input) {
  refuse_second_derivative("gelu", {gradient, input});
  at::AutoDispatchBelowADInplaceOrView below;
  return gelu_backward_op.call(gradient, input);
}

/** The result itself says where the gradient goes: where it is above zero, to both summands alike. */
class AddRelu : public torch::autograd::Function<AddRelu> {
 public:
  static Tensor forward(AutogradContext* context, Tensor self, const Tensor& other) {
    at::AutoDispatchBelowADInplaceOrView below;
    add_relu_op.call(self, other);
    context->mark_dirty({self});
    context->save_for_backward({self});
    return self;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const Tensor both = at::threshold_backward(gradients[0], context->get_saved_variables()[0], 0);
    return {both, both};
  }
};

Tensor& autograd_add_relu(Tensor& self, const Tensor& other) {
  check_add_relu(self, other);
  AddRelu::apply(self, other);
  return self;
}

Tensor meta_gelu(const Tensor& input) { return at::empty_like(input); }

Tensor meta_gelu_backward(const Tensor&, const Tensor& input) { return at::empty_like(input); }

Tensor& meta_add_relu(Tensor& self, const Tensor& other) {
  check_add_relu(self, other);
  return self;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("gelu(Tensor input) -> Tensor");
  m.def("_gelu_backward(Tensor grad, Tensor input) -> Tensor");
  m.def("add_relu_(Tensor(a!) self, Tensor other) -> Tensor(a!)");
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("gelu", TORCH_FN(gelu_cpu));
  m.impl("_gelu_backward", TORCH_FN(gelu_backward_cpu));
  m.impl("add_relu_", TORCH_FN(add_relu_cpu));
}

TORCH_LIBRARY_IMPL(adsam, CUDA, m) {
  m.impl("gelu", TORCH_FN(gelu_composite));
  m.impl("add_relu_", TORCH_FN(add_relu_composite));
}

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("gelu", TORCH_FN(meta_gelu));
  m.impl("_gelu_backward", TORCH_FN(meta_gelu_backward));
  m.impl("add_relu_", TORCH_FN(meta_add_relu));
}

TORCH_LIBRARY_IMPL(adsam, Autograd, m) {
  m.impl("gelu", TORCH_FN(autograd_gelu));
  m.impl("_gelu_backward", TORCH_FN(autograd_gelu_backward));
  m.impl("add_relu_", TORCH_FN(autograd_add_relu));
}

}  // namespace adsam
