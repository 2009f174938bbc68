#include <ATen/Parallel.h>

#include "activation/activation.h"
#include "activation/spans.h"
#include "common/check.h"

/** Operators of single numbers, over memory as it lies: any dense layout is one span. */
namespace adsam {
namespace {

// Work worth handing to a thread.
constexpr int64_t kGrain = 1 << 15;

/** `tensor`, of type `type`, its elements one after another in whatever order; a copy only where there are gaps. */
Tensor gapless(const Tensor& tensor, at::ScalarType type) {
  const Tensor typed = tensor.to(type);
  return typed.is_non_overlapping_and_dense() ? typed : typed.contiguous();
}

/** `tensor` in the order of elements that `like` has. */
Tensor ordered_as(const Tensor& tensor, const Tensor& like) {
  if (tensor.scalar_type() == like.scalar_type() && tensor.strides() == like.strides()) return tensor;
  return at::empty_like(like).copy_(tensor);
}

}  // namespace

Tensor gelu_cpu(const Tensor& input) {
  check_floating("gelu", "input", input);
  const auto type = compute_type(input);
  const Tensor x = gapless(input, type), y = at::empty_like(x);
  AT_DISPATCH_FLOATING_TYPES(type, "gelu", [&] {
    const scalar_t* from = x.data_ptr<scalar_t>();
    scalar_t* to = y.data_ptr<scalar_t>();
    at::parallel_for(0, x.numel(), kGrain,
                     [&](int64_t begin, int64_t end) { gelu_span(from + begin, end - begin, to + begin); });
  });
  return y.to(input.scalar_type());
}

Tensor gelu_backward_cpu(const Tensor& gradient, const Tensor& input) {
  const auto type = compute_type(input);
  const Tensor x = gapless(input, type), dy = ordered_as(gradient, x), dx = at::empty_like(x);
  AT_DISPATCH_FLOATING_TYPES(type, "gelu_backward", [&] {
    const scalar_t *from = x.data_ptr<scalar_t>(), *cotangent = dy.data_ptr<scalar_t>();
    scalar_t* to = dx.data_ptr<scalar_t>();
    at::parallel_for(0, x.numel(), kGrain, [&](int64_t begin, int64_t end) {
      gelu_gradient_span(from + begin, cotangent + begin, end - begin, to + begin);
    });
  });
  return dx.to(input.scalar_type());
}

Tensor& add_relu_cpu(Tensor& self, const Tensor& other) {
  check_add_relu(self, other);
  const bool has_kernel = self.scalar_type() == at::kFloat || self.scalar_type() == at::kDouble;
  if (!has_kernel || !self.is_non_overlapping_and_dense()) return add_relu_composite(self, other);
  const Tensor added = ordered_as(other, self);
  AT_DISPATCH_FLOATING_TYPES(self.scalar_type(), "add_relu_", [&] {
    const scalar_t* from = added.data_ptr<scalar_t>();
    scalar_t* to = self.data_ptr<scalar_t>();
    at::parallel_for(0, self.numel(), kGrain,
                     [&](int64_t begin, int64_t end) { add_relu_span(from + begin, end - begin, to + begin); });
  });
  return self;
}

}  // namespace adsam
