#pragma once

#include <type_traits>

#include "deform_conv/columns.h"

/**
 * The innermost loops of a deformable convolution: the channels of four pixels and of one column, vectors of `bytes`
 * bytes at a time, what is left over in ever narrower ones.
 */
namespace adsam {

/** The addresses of a tile's four pixels a position; made with vectors, as whole numbers, which may point anywhere. */
struct Addresses {
  uintptr_t row[4][kTilePositions];
};

template <typename T>
ADSAM_INLINE uintptr_t address_of_pixel_0(const T* data, int64_t first, int64_t stride) {
  return reinterpret_cast<uintptr_t>(data) - static_cast<uintptr_t>(first * stride) * sizeof(T);
}

template <typename T>
ADSAM_INLINE void address(const Places<T>& places, int64_t count, const Pixels<T>& pixels, Addresses& addresses) {
  const auto data = reinterpret_cast<uintptr_t>(pixels.data), outside = reinterpret_cast<uintptr_t>(pixels.outside);
  const int64_t stride = pixels.stride * sizeof(T);
  for (int i = 0; i < 4; ++i)
#pragma omp simd
    for (int64_t p = 0; p < count; ++p) {
      const int64_t pixel = places.pixel[i][p];
      addresses.row[i][p] = pixel < 0 ? outside : data + static_cast<uintptr_t>(pixel * stride);
    }
}

template <typename T>
ADSAM_INLINE void address(const Places<T>& places, int64_t count, const PixelSums<T>& sums, Addresses& addresses) {
  const auto zone = [&](const auto& part) { return address_of_pixel_0(part.data, part.first, sums.stride); };
  const uintptr_t above = zone(sums.above), own = zone(sums.own), below = zone(sums.below);
  const auto outside = reinterpret_cast<uintptr_t>(sums.outside);
  const int64_t stride = sums.stride * sizeof(T), own_first = sums.own.first, below_first = sums.below.first;
  for (int i = 0; i < 4; ++i)
#pragma omp simd
    for (int64_t p = 0; p < count; ++p) {
      const int64_t pixel = places.pixel[i][p];
      const uintptr_t start = pixel < own_first ? above : pixel < below_first ? own : below;
      addresses.row[i][p] = pixel < 0 ? outside : start + static_cast<uintptr_t>(pixel * stride);
    }
}

/** The four pixels of a place: their channels, their shares, and where their gradients are summed. */
template <typename T>
struct PixelRows {
  const T* pixel[4];
  T* sum[4];
  T weight[4];

  ADSAM_INLINE PixelRows(const Places<T>& places, const Addresses& pixels, int64_t p) {
    for (int i = 0; i < 4; ++i) {
      weight[i] = places.weight[i][p];
      pixel[i] = reinterpret_cast<const T*>(pixels.row[i][p]);
    }
  }
  ADSAM_INLINE PixelRows(const Places<T>& places, const Addresses& pixels, const Addresses& sums, int64_t p)
      : PixelRows(places, pixels, p) {
    for (int i = 0; i < 4; ++i) sum[i] = reinterpret_cast<T*>(sums.row[i][p]);
  }
};

/** Dot products of a column's cotangent with each of the four pixels: all that the gradients of place and mask need. */
template <typename T>
using Dots = T[kTilePositions][4];

template <typename T, int bytes>
ADSAM_INLINE typename Vector<T, bytes>::Anywhere& vector_at(T* data) {
  return *reinterpret_cast<typename Vector<T, bytes>::Anywhere*>(data);
}

template <typename T, int bytes>
ADSAM_INLINE const typename Vector<T, bytes>::Anywhere& vector_at(const T* data) {
  return *reinterpret_cast<const typename Vector<T, bytes>::Anywhere*>(data);
}

/** column[c] = Σ weight · pixel[c] for channels [c, count). */
template <typename T, int bytes>
ADSAM_INLINE void blend(const PixelRows<T>& rows, T* column, int64_t c, int64_t count) {
  constexpr int lanes = Vector<T, bytes>::lanes;
  const T *r0 = rows.pixel[0], *r1 = rows.pixel[1], *r2 = rows.pixel[2], *r3 = rows.pixel[3];
  const T w0 = rows.weight[0], w1 = rows.weight[1], w2 = rows.weight[2], w3 = rows.weight[3];
  for (; c + lanes <= count; c += lanes)
    vector_at<T, bytes>(column + c) = w0 * vector_at<T, bytes>(r0 + c) + w1 * vector_at<T, bytes>(r1 + c) +
                                      w2 * vector_at<T, bytes>(r2 + c) + w3 * vector_at<T, bytes>(r3 + c);
  if constexpr (bytes > 16) {
    if (c < count) blend<T, bytes / 2>(rows, column, c, count);
  } else {
    for (; c < count; ++c) column[c] = w0 * r0[c] + w1 * r1[c] + w2 * r2[c] + w3 * r3[c];
  }
}

/** Alternates lanes of a and b within each 16 bytes, from the lower halves there, and from the upper. */
template <int bytes>
ADSAM_INLINE void interleave(const typename Vector<float, bytes>::Type& a, const typename Vector<float, bytes>::Type& b,
                             typename Vector<float, bytes>::Type& low, typename Vector<float, bytes>::Type& high) {
  constexpr int lanes = bytes / 4;
  typename Vector<int32_t, bytes>::Type mask;
  for (int i = 0; i < lanes; ++i) mask[i] = i / 4 * 4 + i % 4 / 2 + i % 2 * lanes;
  low = __builtin_shuffle(a, b, mask), high = __builtin_shuffle(a, b, mask + 2);
}

/** total[i] += the sum of sums[i]'s lanes. */
template <typename T, int bytes>
ADSAM_INLINE void add_lanes(const typename Vector<T, bytes>::Type* sums, T* total) {
  constexpr int lanes = Vector<T, bytes>::lanes;
  if constexpr (std::is_same_v<T, float>) {
    // Transposed by halves, all four at once: lane i % 4 belongs to sum i in the end.
    using V = typename Vector<float, bytes>::Type;
    V low, high;
    interleave<bytes>(sums[0], sums[2], low, high);
    const V even = low + high;
    interleave<bytes>(sums[1], sums[3], low, high);
    const V odd = low + high;
    interleave<bytes>(even, odd, low, high);
    const V all = low + high;
    typename Vector<float, 16>::Type part[bytes / 16];
    __builtin_memcpy(part, &all, bytes);
    for (int width = bytes / 32; width > 0; width /= 2)
      for (int i = 0; i < width; ++i) part[i] += part[i + width];
    *reinterpret_cast<typename Vector<float, 16>::Anywhere*>(total) += part[0];
  } else {
    for (int i = 0; i < 4; ++i)
      for (int lane = 0; lane < lanes; ++lane) total[i] += sums[i][lane];
  }
}

/**
 * From a column's cotangent, for channels [c, count): each pixel's gradient += weight · cotangent (scatter), the four
 * dot products (dot), and the column itself in the cotangent's place (keep).
 */
template <typename T, int bytes, bool scatter, bool dot, bool keep>
ADSAM_INLINE void spread(const PixelRows<T>& rows, T* column, int64_t c, int64_t count, T* dots) {
  using V = typename Vector<T, bytes>::Type;
  constexpr int lanes = Vector<T, bytes>::lanes;
  V sums[4] = {};
  for (; c + lanes <= count; c += lanes) {
    const V cotangent = vector_at<T, bytes>(column + c);
    V pixel[4], gradient[4];
    // Read all, then write: two pixels outside may share the place that nobody reads.
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      if (dot || keep) pixel[i] = vector_at<T, bytes>(rows.pixel[i] + c);
      if (scatter) gradient[i] = vector_at<T, bytes>(rows.sum[i] + c) + rows.weight[i] * cotangent;
      if (dot) sums[i] += cotangent * pixel[i];
    }
    if (keep)
      vector_at<T, bytes>(column + c) = rows.weight[0] * pixel[0] + rows.weight[1] * pixel[1] +
                                        rows.weight[2] * pixel[2] + rows.weight[3] * pixel[3];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
      if (scatter) vector_at<T, bytes>(rows.sum[i] + c) = gradient[i];
  }
  if (dot) add_lanes<T, bytes>(sums, dots);
  if constexpr (bytes > 16) {
    if (c < count) spread<T, bytes / 2, scatter, dot, keep>(rows, column, c, count, dots);
  } else {
    for (; c < count; ++c) {
      const T cotangent = column[c];
      T blended = 0;
      for (int i = 0; i < 4; ++i) {
        const T pixel = rows.pixel[i][c];
        if (dot) dots[i] += cotangent * pixel;
        if (scatter) rows.sum[i][c] += rows.weight[i] * cotangent;
        blended += rows.weight[i] * pixel;
      }
      if (keep) column[c] = blended;
    }
  }
}

}  // namespace adsam
