#pragma once

#include <cmath>
#include <cstdint>

#include "common/inline.h"

/**
 * Bilinear reading of a channels-last picture at one fractional place, over a run of channels that lies contiguously in
 * memory. Deformable attention is made of these (deformable convolution, whose positions share a kernel, has loops of
 * its own): a tap blends four pixels; its backward adds to the same four pixels and needs one dot product with each.
 * Pixels outside the picture are zeros.
 */
namespace adsam {

/** A place to read: four pixels round (y, x), and the position inside them. */
template <typename T>
struct Tap {
  int32_t pixel[4];  // y·W + x of the upper left, upper right, lower left, lower right pixel; -1 outside the picture
  T fy, fx;          // fractional part, [0, 1)
  T scale;           // the modulation mask or attention weight that multiplies what is read
};

/** The tap at pixel coordinates (y, x), where (0, 0) is the middle of the first pixel. A NaN or infinite place reads
 * NaN, not 0. */
template <typename T>
ADSAM_INLINE Tap<T> make_tap(T y, T x, T scale, int32_t height, int32_t width) {
  const T y_floor = std::floor(y), x_floor = std::floor(x);
  Tap<T> tap{{-1, -1, -1, -1}, y - y_floor, x - x_floor, scale};
  if (!(y_floor >= T(-1) && y_floor < T(height) && x_floor >= T(-1) && x_floor < T(width))) {
    if (std::isnan(tap.fy) || std::isnan(tap.fx)) tap.scale = tap.fy + tap.fx;
    return tap;
  }
  const int32_t top = static_cast<int32_t>(y_floor), left = static_cast<int32_t>(x_floor);
  const bool has_top = top >= 0, has_bottom = top + 1 < height, has_left = left >= 0, has_right = left + 1 < width;
  const int32_t first = top * width + left;
  if (has_top && has_left) tap.pixel[0] = first;
  if (has_top && has_right) tap.pixel[1] = first + 1;
  if (has_bottom && has_left) tap.pixel[2] = first + width;
  if (has_bottom && has_right) tap.pixel[3] = first + width + 1;
  return tap;
}

/** The four pixels' channels at `base` + pixel · stride; `zeros` stands in for a pixel outside. */
template <typename T>
struct Rows {
  const T* row[4];

  ADSAM_INLINE Rows(const Tap<T>& tap, const T* base, int64_t stride, const T* zeros) {
    for (int i = 0; i < 4; ++i) row[i] = tap.pixel[i] < 0 ? zeros : base + tap.pixel[i] * stride;
  }
};

/** The four pixels' shares of a tap, before its scale. */
template <typename T>
struct Shares {
  T share[4];

  ADSAM_INLINE explicit Shares(const Tap<T>& tap)
      : share{(1 - tap.fy) * (1 - tap.fx), (1 - tap.fy) * tap.fx, tap.fy * (1 - tap.fx), tap.fy * tap.fx} {}
};

/** out[c] = or += scale · Σ share · row[c], for c in [0, count). */
template <bool accumulate, typename T>
ADSAM_INLINE void blend(T* __restrict out, const Rows<T>& rows, const Shares<T>& shares, T scale, int64_t count) {
  const T s0 = shares.share[0] * scale, s1 = shares.share[1] * scale, s2 = shares.share[2] * scale,
          s3 = shares.share[3] * scale;
  const T *r0 = rows.row[0], *r1 = rows.row[1], *r2 = rows.row[2], *r3 = rows.row[3];
#pragma omp simd
  for (int64_t c = 0; c < count; ++c) {
    const T value = s0 * r0[c] + s1 * r1[c] + s2 * r2[c] + s3 * r3[c];
    out[c] = accumulate ? out[c] + value : value;
  }
}

/** Dot products of a cotangent with each of the four pixels: all that the gradients of place and scale need. */
template <typename T>
struct Dots {
  T dot[4] = {0, 0, 0, 0};

  ADSAM_INLINE void add(const T* __restrict cotangent, const Rows<T>& rows, int64_t count) {
    const T *r0 = rows.row[0], *r1 = rows.row[1], *r2 = rows.row[2], *r3 = rows.row[3];
    T d0 = 0, d1 = 0, d2 = 0, d3 = 0;
#pragma omp simd reduction(+ : d0, d1, d2, d3)
    for (int64_t c = 0; c < count; ++c) {
      d0 += cotangent[c] * r0[c];
      d1 += cotangent[c] * r1[c];
      d2 += cotangent[c] * r2[c];
      d3 += cotangent[c] * r3[c];
    }
    dot[0] += d0, dot[1] += d1, dot[2] += d2, dot[3] += d3;
  }

  ADSAM_INLINE T scale_gradient(const Shares<T>& s) const {
    return s.share[0] * dot[0] + s.share[1] * dot[1] + s.share[2] * dot[2] + s.share[3] * dot[3];
  }
  ADSAM_INLINE T y_gradient(const Tap<T>& tap) const {
    return tap.scale * ((1 - tap.fx) * (dot[2] - dot[0]) + tap.fx * (dot[3] - dot[1]));
  }
  ADSAM_INLINE T x_gradient(const Tap<T>& tap) const {
    return tap.scale * ((1 - tap.fy) * (dot[1] - dot[0]) + tap.fy * (dot[3] - dot[2]));
  }
};

/** Adds scale · share · cotangent[c] to each of the four pixels inside the picture. */
template <typename T>
ADSAM_INLINE void scatter(const Tap<T>& tap, T* base, int64_t stride, const T* __restrict cotangent, int64_t count) {
  const Shares<T> shares(tap);
  for (int i = 0; i < 4; ++i) {
    if (tap.pixel[i] < 0) continue;
    T* __restrict row = base + tap.pixel[i] * stride;
    const T share = shares.share[i] * tap.scale;
#pragma omp simd
    for (int64_t c = 0; c < count; ++c) row[c] += share * cotangent[c];
  }
}

}  // namespace adsam
