#include "common/check.h"
#include "conv3x3/conv3x3.h"

namespace adsam {

void check_conv3x3(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  check_rank("conv3x3", "input", "[B, C, H, W]", input, 4);
  check_rank("conv3x3", "weight", "[O, C, 3, 3]", weight, 4);
  check_floating("conv3x3", "input", input);
  check_shape("conv3x3", "weight", "[O, C, 3, 3]", weight, {weight.size(0), input.size(1), 3, 3},
              "C is the input's number of channels; other kernels are conv2d's.");
  check_same_device("conv3x3", "weight", weight, "input", input);
  check_same_dtype("conv3x3", "weight", weight, "input", input);
  if (!bias.defined()) return;
  check_shape("conv3x3", "bias", "[O]", bias, {weight.size(0)}, "One number for each channel that leaves.");
  check_same_device("conv3x3", "bias", bias, "input", input);
  check_same_dtype("conv3x3", "bias", bias, "input", input);
}

Tensor conv3x3_composite(const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias, bool relu,
                         c10::string_view) {
  check_conv3x3(input, weight, value_or_undefined(bias));
  const Tensor sum = at::conv2d(input, weight, bias, /*stride*/ 1, /*padding*/ 1);
  return relu ? at::relu(sum) : sum;
}

}  // namespace adsam
