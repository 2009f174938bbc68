#include "common/check.h"
#include "common/layout.h"
#include "conv3x3/conv3x3.h"
#include "conv3x3/patches.h"
#include "conv3x3/taps.h"
#include "conv3x3/winograd.h"

namespace adsam {
namespace {

ConvAlgorithm algorithm_named(c10::string_view name) {
  if (name == "auto") return ConvAlgorithm::automatic;
  if (name == "own") return ConvAlgorithm::own;
  if (name == "libtorch") return ConvAlgorithm::libtorch;
  ADSAM_CHECK(false, "conv3x3 algorithm", name, "auto, own or libtorch", "");
}

/**
 * Whether Winograd's form is the faster, forward and backward alike. Measured against oneDNN, one AVX-512 core, forward,
 * gradient of the input and of the weight: 1.3 to 3 times as fast from 16 channels on both sides and 16 tiles on; below
 * that the transforms, whose cost grows with the sum of the channels and not with their product, eat up the gain (3 → 16
 * at 128 × 128: 0.4, 1.5, 0.2; 8 → 8: 0.8, 0.9, 0.6), as does turning the weights of a picture of 8 × 8.
 */
bool winograd_pays(const Tensor& input, int64_t out_channels) {
  constexpr int64_t least_channels = 16, least_tiles = 16;
  const winograd::Tiling tiling{input.size(0), input.size(2), input.size(3)};
  const int64_t pixels = tiling.batch * tiling.height * tiling.width, computed = 16 * tiling.count();
  return input.scalar_type() == at::kFloat && input.size(1) >= least_channels && out_channels >= least_channels &&
         tiling.count() >= least_tiles && computed <= 2 * pixels;
}

/**
 * Whether the gradient of the weight is the faster by a product a tap: oneDNN's at stride 2 reaches 28 to 36 GFLOP/s of
 * this core's 107 (128 → 128, 256 → 256 and 512 → 512 channels), this 80; at 16 channels oneDNN leads.
 */
bool taps_pay(const Tensor& input, int64_t out_channels, int64_t stride) {
  constexpr int64_t least_channels = 32;
  return input.scalar_type() == at::kFloat && stride > 1 && input.size(1) >= least_channels &&
         out_channels >= least_channels;
}

bool chosen(ConvAlgorithm algorithm, bool pays, const Tensor& input, const Tensor& weight) {
  if (input.numel() == 0 || weight.numel() == 0) return false;
  return algorithm == ConvAlgorithm::own || (algorithm == ConvAlgorithm::automatic && pays);
}

}  // namespace

Tensor conv3x3_cpu(const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias, int64_t stride, bool relu,
                   c10::string_view algorithm) {
  const Tensor bias_row = value_or_undefined(bias);
  check_conv3x3(input, weight, bias_row, stride);
  const ConvAlgorithm by = algorithm_named(algorithm);
  if (stride != 1 || !chosen(by, winograd_pays(input, weight.size(0)), input, weight)) {
    Tensor sum = at::conv2d(input, weight, bias, stride, /*padding*/ 1);
    return relu ? at::relu_(sum) : sum;
  }
  const auto type = compute_type(input);
  const Tensor result = winograd::forward(channels_last(input, type), weight.to(type),
                                          bias_row.defined() ? dense(bias_row, type) : Tensor(), relu);
  return channels_first(result, input.suggest_memory_format()).to(input.scalar_type());
}

ConvGradients conv3x3_backward_cpu(const Tensor& gradient, const Tensor& input, const Tensor& weight, int64_t stride,
                                   c10::string_view algorithm, std::array<bool, 3> wanted) {
  const ConvAlgorithm by = algorithm_named(algorithm);
  const bool winograd = stride == 1 && chosen(by, winograd_pays(input, weight.size(0)), input, weight);
  const bool taps = stride != 1 && chosen(by, taps_pay(input, weight.size(0), stride), input, weight);
  const std::array<bool, 3> own{winograd && wanted[0], (winograd || taps) && wanted[1], (winograd || taps) && wanted[2]};
  const std::array<bool, 3> rest{wanted[0] && !own[0], wanted[1] && !own[1], wanted[2] && !own[2]};

  ConvGradients result;
  if (rest[0] || rest[1] || rest[2])
    result = at::convolution_backward(gradient, input, weight, IntArrayRef{weight.size(0)}, {stride, stride},
                                      /*padding*/ {1, 1}, /*dilation*/ {1, 1}, /*transposed*/ false,
                                      /*output_padding*/ {0, 0}, /*groups*/ 1, rest);
  if (!own[0] && !own[1] && !own[2]) return result;

  auto& [of_input, of_weight, of_bias] = result;
  const auto type = compute_type(input);
  const Tensor maps = channels_last(gradient, type);
  if (own[0])
    of_input = channels_first(winograd::picture_gradient(maps, weight.to(type)), input.suggest_memory_format())
                   .to(input.scalar_type());
  if (own[1]) {
    const Tensor pictures = channels_last(input, type);
    of_weight = (winograd ? winograd::weight_gradient(maps, pictures, weight)
                          : weight_gradient_by_taps(maps, pictures, weight, stride))
                    .to(weight.scalar_type());
  }
  if (own[2]) of_bias = maps.sum(IntArrayRef{0, 1, 2}).to(weight.scalar_type());
  return result;
}

}  // namespace adsam
