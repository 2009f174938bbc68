#pragma once

#include "deform_conv/places.h"

/**
 * The innermost loops of a deformable convolution: the channels of four pixels and of one column, vectors of `bytes`
 * bytes at a time, what is left over in ever narrower ones.
 */
namespace adsam {

/** The four pixels of a place: their channels, their shares, and where their gradients are summed. */
template <typename T>
struct PixelRows {
  const T* pixel[4];
  T* sum[4];
  T weight[4];

  ADSAM_INLINE PixelRows(const Places<T>& places, int64_t p) {
    for (int i = 0; i < 4; ++i) weight[i] = places.weight[i][p];
  }
};

/** Dot products of a column's cotangent with each of the four pixels: all that the gradients of place and mask need. */
template <typename T>
struct Dots {
  T dot[4][kTilePositions];
};

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

/** total[i] += the sum of sums[i]'s lanes. */
template <typename T, int bytes>
ADSAM_INLINE void add_lanes(const typename Vector<T, bytes>::Type* sums, Dots<T>& total, int64_t p) {
  if constexpr (bytes > 16) {
    using Half = typename Vector<T, bytes / 2>::Type;
    Half halves[4];
    for (int i = 0; i < 4; ++i) {
      Half part[2];
      static_assert(sizeof(part) == bytes);
      __builtin_memcpy(part, &sums[i], bytes);
      halves[i] = part[0] + part[1];
    }
    add_lanes<T, bytes / 2>(halves, total, p);
  } else {
    for (int i = 0; i < 4; ++i)
      for (int lane = 0; lane < Vector<T, bytes>::lanes; ++lane) total.dot[i][p] += sums[i][lane];
  }
}

/**
 * From a column's cotangent, for channels [c, count): each pixel's gradient += weight · cotangent (scatter), the four
 * dot products (dot), and the column itself in the cotangent's place (keep).
 */
template <typename T, int bytes, bool scatter, bool dot, bool keep>
ADSAM_INLINE void spread(const PixelRows<T>& rows, T* column, int64_t c, int64_t count, Dots<T>& dots, int64_t p) {
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
  if (dot) add_lanes<T, bytes>(sums, dots, p);
  if constexpr (bytes > 16) {
    if (c < count) spread<T, bytes / 2, scatter, dot, keep>(rows, column, c, count, dots, p);
  } else {
    for (; c < count; ++c) {
      const T cotangent = column[c];
      T blended = 0;
      for (int i = 0; i < 4; ++i) {
        const T pixel = rows.pixel[i][c];
        if (dot) dots.dot[i][p] += cotangent * pixel;
        if (scatter) rows.sum[i][c] += rows.weight[i] * cotangent;
        blended += rows.weight[i] * pixel;
      }
      if (keep) column[c] = blended;
    }
  }
}

}  // namespace adsam
