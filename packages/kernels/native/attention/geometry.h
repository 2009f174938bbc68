#pragma once

#include "common/tensors.h"

namespace adsam {

/** Sizes of an attention with relative positions over the windows of a map, checked. */
struct RelPosGeometry {
  int64_t batch, height, width, heads, dim;
  int64_t window_height, window_width, down, across;

  int64_t channels() const { return heads * dim; }
  int64_t windows() const { return batch * down * across; }
  /** Positions of a window. */
  int64_t keys() const { return window_height * window_width; }
  /** How far the windows reach beyond the map. */
  int64_t extra_height() const { return down * window_height - height; }
  int64_t extra_width() const { return across * window_width - width; }
  bool overhangs() const { return extra_height() > 0 || extra_width() > 0; }
};

/** Throws in the project's form where an argument does not fit. */
RelPosGeometry rel_pos_geometry(const Tensor& qkv, const Tensor& rel_pos_h, const Tensor& rel_pos_w,
                                     const Optional<Tensor>& outside, int64_t num_heads, IntArrayRef window);

}  // namespace adsam
