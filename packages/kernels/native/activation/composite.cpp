#include "activation/activation.h"
#include "common/check.h"

namespace adsam {

void check_add_relu(const Tensor& self, const Tensor& other) {
  constexpr const char* kOp = "add_relu_";
  check_floating(kOp, "self", self);
  check_same_dtype(kOp, "other", other, "self", self);
  check_same_device(kOp, "other", other, "self", self);
  check_shape(kOp, "other", "as self", other, self.sizes(), "Nothing is broadcast.");
}

Tensor& add_relu_composite(Tensor& self, const Tensor& other) {
  check_add_relu(self, other);
  return self.add_(other).relu_();
}

}  // namespace adsam
