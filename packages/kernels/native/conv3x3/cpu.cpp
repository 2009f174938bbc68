#include "common/check.h"
#include "common/layout.h"
#include "conv3x3/conv3x3.h"
#include "conv3x3/patches.h"
#include "conv3x3/winograd.h"

namespace adsam {
namespace {

ConvAlgorithm algorithm_named(c10::string_view name) {
  if (name == "auto") return ConvAlgorithm::automatic;
  if (name == "winograd") return ConvAlgorithm::winograd;
  if (name == "direct") return ConvAlgorithm::direct;
  ADSAM_CHECK(false, "conv3x3 algorithm", name, "auto, winograd or direct", "");
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

bool takes_winograd(ConvAlgorithm algorithm, const Tensor& input, int64_t out_channels) {
  if (input.numel() == 0 || out_channels == 0) return false;
  return algorithm == ConvAlgorithm::winograd ||
         (algorithm == ConvAlgorithm::automatic && winograd_pays(input, out_channels));
}

}  // namespace

Tensor conv3x3_cpu(const Tensor& input, const Tensor& weight, const Optional<Tensor>& bias, bool relu,
                   c10::string_view algorithm) {
  const Tensor bias_row = value_or_undefined(bias);
  check_conv3x3(input, weight, bias_row);
  if (!takes_winograd(algorithm_named(algorithm), input, weight.size(0))) {
    Tensor sum = at::conv2d(input, weight, bias, /*stride*/ 1, /*padding*/ 1);
    return relu ? at::relu_(sum) : sum;
  }
  const auto type = compute_type(input);
  const Tensor result = winograd::forward(channels_last(input, type), weight.to(type),
                                          bias_row.defined() ? dense(bias_row, type) : Tensor(), relu);
  return channels_first(result, input.suggest_memory_format()).to(input.scalar_type());
}

ConvGradients conv3x3_backward_cpu(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                   c10::string_view algorithm, std::array<bool, 3> wanted) {
  const bool fast = takes_winograd(algorithm_named(algorithm), input, weight.size(0));
  ConvGradients result;
  auto& [of_input, of_weight, of_bias] = result;
  if (!fast) {
    return at::convolution_backward(gradient, input, weight, IntArrayRef{weight.size(0)}, /*stride*/ {1, 1},
                                    /*padding*/ {1, 1}, /*dilation*/ {1, 1}, /*transposed*/ false,
                                    /*output_padding*/ {0, 0}, /*groups*/ 1, wanted);
  }
  const auto type = compute_type(input);
  const Tensor maps = channels_last(gradient, type);
  if (wanted[0])
    of_input = channels_first(winograd::picture_gradient(maps, weight.to(type)), input.suggest_memory_format())
                   .to(input.scalar_type());
  if (wanted[1])
    of_weight = winograd::weight_gradient(maps, channels_last(input, type), weight).to(weight.scalar_type());
  if (wanted[2]) of_bias = maps.sum(IntArrayRef{0, 1, 2}).to(weight.scalar_type());
  return result;
}

}  // namespace adsam
