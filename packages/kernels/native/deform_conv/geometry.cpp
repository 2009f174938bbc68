#include "deform_conv/geometry.h"

#include <algorithm>
#include <limits>

#include "common/check.h"

namespace adsam {
namespace {

constexpr const char* kOp = "deform_conv2d";

Pair pair(const char* name, IntArrayRef values, int64_t least) {
  ADSAM_CHECK(values.size() == 1 || values.size() == 2, c10::str(kOp, " ", name),
              c10::str(values.size(), " numbers ", values), "one number or (y, x)", "Give two.");
  const Pair result{values[0], values.size() == 2 ? values[1] : values[0]};
  ADSAM_CHECK(result.y >= least && result.x >= least, c10::str(kOp, " ", name), values,
              c10::str("numbers of at least ", least), "Correct it.");
  return result;
}

int64_t output_size(const char* axis, int64_t size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  const int64_t reach = dilation * (kernel - 1) + 1;
  ADSAM_CHECK(size + 2 * padding >= reach, c10::str(kOp, " input ", axis), c10::str(size, " with padding ", padding),
              c10::str("at least ", reach, ", the reach of the kernel"),
              "Pad more, or use a smaller kernel or dilation.");
  return (size + 2 * padding - reach) / stride + 1;
}

}  // namespace

DeformGeometry deform_geometry(const Tensor& input, const Tensor& weight, const Tensor& offset,
                               const Optional<Tensor>& mask, const Optional<Tensor>& bias, IntArrayRef stride,
                               IntArrayRef padding, IntArrayRef dilation, int64_t groups, int64_t offset_groups) {
  check_rank(kOp, "input", "[B, C, H, W]", input, 4);
  check_rank(kOp, "weight", "[O, C/groups, kH, kW]", weight, 4);
  check_rank(kOp, "offset", "[B, 2*offsetGroups*kH*kW, outH, outW]", offset, 4);
  check_floating(kOp, "input", input);
  check_same_dtype(kOp, "weight", weight, "input", input);
  check_floating(kOp, "offset", offset);
  check_same_device(kOp, "weight", weight, "input", input);
  check_same_device(kOp, "offset", offset, "input", input);

  DeformGeometry g{};
  g.batch = input.size(0), g.channels = input.size(1), g.height = input.size(2), g.width = input.size(3);
  g.out_channels = weight.size(0);
  g.kernel = {weight.size(2), weight.size(3)};
  g.stride = pair("stride", stride, 1), g.padding = pair("padding", padding, 0),
  g.dilation = pair("dilation", dilation, 1);
  g.groups = groups, g.offset_groups = offset_groups;

  ADSAM_CHECK(g.channels > 0 && g.height > 0 && g.width > 0, c10::str(kOp, " input"), c10::str("shape ", input.sizes()),
              "at least one channel and one pixel", "Only the batch may be empty.");
  ADSAM_CHECK(g.height * g.width < std::numeric_limits<int32_t>::max(), c10::str(kOp, " input"),
              c10::str("shape ", input.sizes()), "fewer than 2^31 pixels a picture", "Cut the picture into tiles.");
  ADSAM_CHECK(g.out_channels > 0 && g.taps() > 0, c10::str(kOp, " weight"), c10::str("shape ", weight.sizes()),
              "no empty axis", "Check the layer's sizes.");
  ADSAM_CHECK(groups > 0 && g.channels % groups == 0 && g.out_channels % groups == 0, c10::str(kOp, " groups"), groups,
              c10::str("a divisor of ", g.channels, " input and ", g.out_channels, " output channels"), "Correct it.");
  ADSAM_CHECK(offset_groups > 0 && g.channels % offset_groups == 0, c10::str(kOp, " offsetGroups"), offset_groups,
              c10::str("a divisor of ", g.channels, " input channels"), "Correct it.");
  ADSAM_CHECK(weight.size(1) == g.group_channels(), c10::str(kOp, " weight"), c10::str("shape ", weight.sizes()),
              c10::str("[O, ", g.group_channels(), ", kH, kW], the ", g.channels, " input channels divided by ", groups,
                       " groups"),
              "The layer was built for another number of channels.");
  g.out_height = output_size("height", g.height, g.kernel.y, g.stride.y, g.padding.y, g.dilation.y);
  g.out_width = output_size("width", g.width, g.kernel.x, g.stride.x, g.padding.x, g.dilation.x);

  const int64_t taps = offset_groups * g.taps();
  check_shape(kOp, "offset", "[B, 2*offsetGroups*kH*kW, outH, outW]", offset,
              {g.batch, 2 * taps, g.out_height, g.out_width},
              "The layer that predicts it needs the same stride, padding and dilation, and two channels a tap.");
  if (mask.has_value() && mask->defined()) {
    check_floating(kOp, "mask", *mask);
    check_same_device(kOp, "mask", *mask, "input", input);
    check_shape(kOp, "mask", "[B, offsetGroups*kH*kW, outH, outW]", *mask, {g.batch, taps, g.out_height, g.out_width},
                "The layer that predicts it needs the same stride, padding and dilation, and one channel a tap.");
  }
  if (bias.has_value() && bias->defined()) {
    check_same_dtype(kOp, "bias", *bias, "input", input);
    check_same_device(kOp, "bias", *bias, "input", input);
    check_shape(kOp, "bias", "[O]", *bias, {g.out_channels}, "One number for each output channel.");
  }
  return g;
}

std::vector<ChannelRun> DeformGeometry::channel_runs() const {
  const int64_t offset_channels = channels / offset_groups;
  std::vector<ChannelRun> runs;
  for (int64_t first = 0; first < channels;) {
    const int64_t offset_group = first / offset_channels, group = first / group_channels();
    const int64_t end = std::min((offset_group + 1) * offset_channels, (group + 1) * group_channels());
    runs.push_back({offset_group, group, first, end - first});
    first = end;
  }
  return runs;
}

}  // namespace adsam
