// Shapes on the "meta" device of what libtorch knows shapes for in Python only. Its C++ hands a convolution on a device it does not
// know to `convolution_overrideable`, which is there to be filled in, and builds layer and group norms on `native_batch_norm`.
// Arguments that fit each other are taken for granted: these see networks that run on other devices too.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <tuple>
#include <vector>

namespace adsam {

namespace {

using at::IntArrayRef;

/// [B, C, …] by [O, C/groups, k…], or by [C, O/groups, k…] where transposed, gives [B, O, …].
at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight, const c10::optional<at::Tensor>& bias, IntArrayRef stride,
                       IntArrayRef padding, IntArrayRef dilation, bool transposed, IntArrayRef outputPadding, int64_t groups) {
  std::vector<int64_t> sizes{input.size(0), transposed ? weight.size(1) * groups : weight.size(0)};
  for (int64_t axis = 0; axis < input.dim() - 2; ++axis) {
    const int64_t length = input.size(axis + 2);
    const int64_t reach = dilation[axis] * (weight.size(axis + 2) - 1);
    const int64_t shrunk = (length + 2 * padding[axis] - reach - 1) / stride[axis] + 1;
    const int64_t grown = (length - 1) * stride[axis] - 2 * padding[axis] + reach + 1;
    sizes.push_back(transposed ? grown + outputPadding[axis] : shrunk);
  }
  return at::empty(sizes, input.options());
}

/// [B, C, …] normalised, and the mean and deviation [C] that a backward pass would want.
std::tuple<at::Tensor, at::Tensor, at::Tensor> batchNorm(const at::Tensor& input, const c10::optional<at::Tensor>&,
                                                         const c10::optional<at::Tensor>&, const c10::optional<at::Tensor>&,
                                                         const c10::optional<at::Tensor>&, bool training, double, double) {
  const auto statistic = [&] { return at::empty({training ? input.size(1) : 0}, input.options()); };
  return {at::empty_like(input), statistic(), statistic()};
}

at::Tensor indexSelect(const at::Tensor& self, int64_t dim, const at::Tensor& index) {
  std::vector<int64_t> sizes = self.sizes().vec();
  if (!sizes.empty()) sizes[dim < 0 ? dim + self.dim() : dim] = index.numel();
  return at::empty(sizes, self.options());
}

at::Tensor same(const at::Tensor& self) { return at::empty_like(self); }

}  // namespace

TORCH_LIBRARY_IMPL(aten, Meta, m) {
  m.impl("convolution_overrideable", TORCH_FN(convolution));
  m.impl("native_batch_norm", TORCH_FN(batchNorm));
  m.impl("index_select", TORCH_FN(indexSelect));
  m.impl("relu", TORCH_FN(same));
}

}  // namespace adsam
