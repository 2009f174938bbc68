#pragma once

#include "gpu/vectors.h"

/**
 * Bilinear reading at one fractional place by a GPU thread: the counterpart of common/bilinear.h, with the same
 * conventions. Pixels outside the picture are zeros; a place that is NaN or infinite reads NaN.
 */
namespace adsam {

template <typename S>
struct PlaceInPicture {
  int32_t pixel[4];  // y·W + x of the upper left, upper right, lower left, lower right pixel; -1 outside the picture
  S fy, fx;          // fractional part, [0, 1)
  S scale;           // what multiplies the reading

  __device__ __forceinline__ bool outside() const { return (pixel[0] & pixel[1] & pixel[2] & pixel[3]) == -1; }

  /** Share of pixel i, before the scale. */
  __device__ __forceinline__ S share(int i) const {
    return (i & 2 ? fy : S(1) - fy) * (i & 1 ? fx : S(1) - fx);
  }
};

/** The place (y, x) in pixels, (0, 0) being the middle of the first one. */
template <typename S>
__device__ __forceinline__ PlaceInPicture<S> place_at(S y, S x, S scale, int32_t height, int32_t width) {
  const S y_floor = floor(y), x_floor = floor(x);
  PlaceInPicture<S> place{{-1, -1, -1, -1}, y - y_floor, x - x_floor, scale};
  if (!(y_floor >= S(-1) && y_floor < S(height) && x_floor >= S(-1) && x_floor < S(width))) {
    const S none = place.fy + place.fx;
    if (none != none) place.scale = none;
    return place;
  }
  const int32_t top = static_cast<int32_t>(y_floor), left = static_cast<int32_t>(x_floor);
  const bool has_top = top >= 0, has_bottom = top + 1 < height, has_left = left >= 0, has_right = left + 1 < width;
  const int32_t first = top * width + left;
  if (has_top && has_left) place.pixel[0] = first;
  if (has_top && has_right) place.pixel[1] = first + 1;
  if (has_bottom && has_left) place.pixel[2] = first + width;
  if (has_bottom && has_right) place.pixel[3] = first + width + 1;
  return place;
}

/** result += scale · Σ share · pixel, for `width` channels at `channels` of a picture whose pixels lie `stride` apart. */
template <int width, typename T>
__device__ __forceinline__ void read_place(const PlaceInPicture<Sum<T>>& place, const T* channels, int64_t stride,
                                           Sum<T> (&result)[width]) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (place.pixel[i] < 0) continue;
    Sum<T> row[width];
    load<width>(channels + place.pixel[i] * stride, row);
    const Sum<T> share = place.share(i) * place.scale;
#pragma unroll
    for (int k = 0; k < width; ++k) result[k] += share * row[k];
  }
}

/** Dot products of a cotangent with the four pixels: all that the gradients of place and scale need. */
template <typename S>
struct PixelDots {
  S dot[4] = {0, 0, 0, 0};

  __device__ __forceinline__ S scale_gradient(const PlaceInPicture<S>& p) const {
    return p.share(0) * dot[0] + p.share(1) * dot[1] + p.share(2) * dot[2] + p.share(3) * dot[3];
  }
  __device__ __forceinline__ S y_gradient(const PlaceInPicture<S>& p) const {
    return p.scale * ((S(1) - p.fx) * (dot[2] - dot[0]) + p.fx * (dot[3] - dot[1]));
  }
  __device__ __forceinline__ S x_gradient(const PlaceInPicture<S>& p) const {
    return p.scale * ((S(1) - p.fy) * (dot[1] - dot[0]) + p.fy * (dot[3] - dot[2]));
  }
};

/**
 * One thread's part of the backward of a reading, `width` channels: adds to the dot products, and to the picture's
 * gradient, which other threads add to as well. `gradient` may be null.
 */
template <int width, bool with_dots, typename T>
__device__ __forceinline__ void unread_place(const PlaceInPicture<Sum<T>>& place, const Sum<T> (&cotangent)[width],
                                             const T* channels, Sum<T>* gradient, int64_t stride,
                                             PixelDots<Sum<T>>& dots) {
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    if (place.pixel[i] < 0) continue;
    const int64_t at = place.pixel[i] * stride;
    if constexpr (with_dots) {
      Sum<T> row[width];
      load<width>(channels + at, row);
#pragma unroll
      for (int k = 0; k < width; ++k) dots.dot[i] += cotangent[k] * row[k];
    }
    if (gradient) add_shared<width>(gradient + at, cotangent, place.share(i) * place.scale);
  }
}

}  // namespace adsam
