#pragma once

#include "deform_conv/plan.h"

namespace adsam {

/**
 * Some rows of one picture's output, whose backward one thread does. Its taps may read any pixel: it owns an even share
 * of the picture's rows, and what it sends further up or down waits in memory of its own.
 */
struct Strip {
  int64_t picture;
  int64_t begin, end;            // output rows
  int64_t own_begin, own_end;    // rows of the picture
  int64_t reach_begin, reach_end;  // rows of the picture its taps touch, and its own
  int64_t halo;                  // first row of its part in the halos: rows above its own, then those below

  int64_t halo_rows() const { return (own_begin - reach_begin) + (reach_end - own_end); }
};

/** The batch cut into strips, so many that `threads` have the same number each, as far as rows and memory allow. */
template <typename T>
std::vector<Strip> output_strips(const DeformGeometry& g, const Tensor& offset, int64_t threads);

/** The gradient of all pictures while strips are added up to it, without two threads ever writing the same number. */
template <typename T>
class PictureSums {
 public:
  PictureSums(const DeformGeometry& g, const std::vector<Strip>& strips);

  /** Where strip `strip` adds, from channel `channel` on; `outside` is a row nobody reads. */
  PixelSums<T> of(const Strip& strip, int64_t channel, T* outside) const;

  /** Adds the halos, in the order of strips, and returns the gradient [B, H, W, C]. */
  Tensor total();

 private:
  const DeformGeometry& g_;
  const std::vector<Strip>& strips_;
  Tensor sums_, halos_;  // [B, H, W, C], [rows, W, C]
};

}  // namespace adsam
