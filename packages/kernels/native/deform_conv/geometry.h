#pragma once

#include <vector>

#include "common/tensors.h"

namespace adsam {

struct Pair {
  int64_t y, x;
};

/** A run of channels that share their offsets and their convolution group, so one tap serves all of them. */
struct ChannelRun {
  int64_t offset_group, group, first, count;
};

/** Every size of one deformable convolution, checked. */
struct DeformGeometry {
  int64_t batch, channels, height, width;
  int64_t out_channels, out_height, out_width;
  Pair kernel, stride, padding, dilation;
  int64_t groups, offset_groups;

  int64_t taps() const { return kernel.y * kernel.x; }
  int64_t positions() const { return out_height * out_width; }
  int64_t group_channels() const { return channels / groups; }
  int64_t group_out_channels() const { return out_channels / groups; }
  /** Length of a column: what one output position of one group multiplies. */
  int64_t column() const { return taps() * group_channels(); }

  /** The channels cut at every border of an offset group or a convolution group, in order of offset group. */
  std::vector<ChannelRun> channel_runs() const;
};

/** Checks all arguments of adsam::deform_conv2d against each other and returns the sizes; throws an error that names
 * the wrong one. */
DeformGeometry deform_geometry(const Tensor& input, const Tensor& weight, const Tensor& offset,
                               const Optional<Tensor>& mask, const Optional<Tensor>& bias, IntArrayRef stride,
                               IntArrayRef padding, IntArrayRef dilation, int64_t groups, int64_t offset_groups);

}  // namespace adsam
