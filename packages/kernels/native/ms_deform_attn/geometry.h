#pragma once

#include <vector>

#include "common/tensors.h"

namespace adsam {

/** One feature map among those laid end to end in `value`. */
struct AttentionLevel {
  int64_t height, width;
  int64_t start;  // its first position among the S of value
};

/** Every size of one multi-scale deformable attention, checked. */
struct AttentionGeometry {
  int64_t batch, positions, heads, head_dim;  // value: [B, S, nHeads, headDim]
  int64_t queries, points;
  std::vector<AttentionLevel> levels;

  int64_t channels() const { return heads * head_dim; }
  int64_t level_count() const { return static_cast<int64_t>(levels.size()); }
};

/** Checks all arguments of adsam::ms_deform_attn against each other and returns the sizes; throws an error that names
 * the wrong one. */
AttentionGeometry attention_geometry(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                                     const Tensor& attention_weights);

}  // namespace adsam
