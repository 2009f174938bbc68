#include "resize/rows.h"

#include "common/on_cpu.h"

namespace adsam {
namespace {

template <typename T>
ADSAM_INLINE void blend_pixels_impl(const RowPair<T>& rows, const AxisTaps<T>& columns, int64_t channels,
                                    Beside<T> beside, T* out) {
  const int64_t count = static_cast<int64_t>(columns.share.size());
  const T h1 = rows.bottom_share, h0 = 1 - h1;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t lower = columns.lower[i] * channels, upper = columns.upper[i] * channels;
    const T *r0 = rows.top + lower, *r1 = rows.top + upper, *r2 = rows.bottom + lower, *r3 = rows.bottom + upper;
    const T right = columns.share[i], left = 1 - right;
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c)
      out[c] = h0 * (left * r0[c] + right * r1[c]) + h1 * (left * r2[c] + right * r3[c]);
    out += channels;
    const T* copied = beside.row + i * beside.channels;
#pragma omp simd
    for (int64_t c = 0; c < beside.channels; ++c) out[c] = copied[c];
    out += beside.channels;
  }
}

/** `n` pixels at once, so that the sum is not read and written for each of them. */
template <int n, typename T>
ADSAM_INLINE void add_group(const WeightedPixels<T>& pixels, int64_t from, int64_t channels, bool accumulate, T* out) {
  const T* r[n];
  T w[n];
  for (int k = 0; k < n; ++k) {
    r[k] = pixels.first + (from + k) * pixels.stride;
    w[k] = pixels.weights[from + k] * pixels.scale;
  }
  const auto sum = [&](int64_t c) {
    T value = w[0] * r[0][c];
    for (int k = 1; k < n; ++k) value += w[k] * r[k][c];
    return value;
  };
  if (accumulate) {
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) out[c] += sum(c);
  } else {
#pragma omp simd
    for (int64_t c = 0; c < channels; ++c) out[c] = sum(c);
  }
}

template <typename T>
ADSAM_INLINE void add_pixels_impl(const WeightedPixels<T>& pixels, int64_t channels, bool accumulate, T* out) {
  int64_t i = 0;
  for (; i + 4 <= pixels.count; i += 4, accumulate = true) add_group<4>(pixels, i, channels, accumulate, out);
  switch (pixels.count - i) {
    case 3:
      add_group<3>(pixels, i, channels, accumulate, out);
      break;
    case 2:
      add_group<2>(pixels, i, channels, accumulate, out);
      break;
    case 1:
      add_group<1>(pixels, i, channels, accumulate, out);
      break;
  }
}

template <typename T>
ADSAM_INLINE void stretch_row_impl(const T* in, const AxisTaps<T>& columns, T* out) {
  const int32_t *lower = columns.lower.data(), *upper = columns.upper.data();
  const T* share = columns.share.data();
  const int64_t count = static_cast<int64_t>(columns.share.size());
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) out[i] = (1 - share[i]) * in[lower[i]] + share[i] * in[upper[i]];
}

template <typename T>
ADSAM_INLINE void gather_row_impl(const T* in, const AxisReaders<T>& columns, int64_t width, T* out) {
  for (int64_t i = 0; i < width; ++i) {
    const T *from = in + columns.first(i), *weights = columns.weights(i);
    const int64_t count = columns.count(i);
    T even = 0, odd = 0;  // two sums: one would wait for itself
    int64_t k = 0;
    for (; k + 2 <= count; k += 2) even += weights[k] * from[k], odd += weights[k + 1] * from[k + 1];
    if (k < count) even += weights[k] * from[k];
    out[i] = even + odd;
  }
}

template <typename T>
ADSAM_INLINE void mix_rows_impl(const T* a, const T* b, T share, int64_t count, T* out) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) out[i] = (1 - share) * a[i] + share * b[i];
}

}  // namespace

#define ADSAM_ROWS(T)                                                                           \
  void blend_pixels(const RowPair<T>& rows, const AxisTaps<T>& columns, int64_t channels,       \
                    Beside<T> beside, T* out) {                                                 \
    on_cpu<blend_pixels_impl<T>>(rows, columns, channels, beside, out);                         \
  }                                                                                             \
  void add_pixels(const WeightedPixels<T>& pixels, int64_t channels, bool accumulate, T* out) { \
    on_cpu<add_pixels_impl<T>>(pixels, channels, accumulate, out);                              \
  }                                                                                             \
  void stretch_row(const T* in, const AxisTaps<T>& columns, T* out) {                           \
    on_cpu<stretch_row_impl<T>>(in, columns, out);                                              \
  }                                                                                             \
  void gather_row(const T* in, const AxisReaders<T>& columns, int64_t width, T* out) {          \
    on_cpu<gather_row_impl<T>>(in, columns, width, out);                                        \
  }                                                                                             \
  void mix_rows(const T* a, const T* b, T share, int64_t count, T* out) {                       \
    on_cpu<mix_rows_impl<T>>(a, b, share, count, out);                                          \
  }

ADSAM_ROWS(float)
ADSAM_ROWS(double)

}  // namespace adsam
