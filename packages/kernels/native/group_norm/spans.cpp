#include "group_norm/spans.h"

#include <algorithm>
#include <vector>

#include "common/gelu.h"
#include "common/on_cpu.h"

namespace adsam {
namespace {

/** So many numbers are summed in the type they have before they go into a double, which is twice as wide to write. */
constexpr int64_t kNearby = 16;

template <typename T>
ADSAM_INLINE void add_moments_impl(const T* x, int64_t count, int64_t period, const T* origin, double* sums,
                                   double* squares) {
  for (int64_t i = 0; i < count; i += period) {
    const int64_t width = std::min(period, count - i);
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const double distance = x[i + c] - static_cast<double>(origin[c]);
      sums[c] += distance;
      squares[c] += distance * distance;
    }
  }
}

template <bool with_gelu, typename T>
ADSAM_INLINE void normalise_impl(const T* x, int64_t count, int64_t period, AffineTable<T> affine, T* y) {
  const T *scale = affine.scale, *shift = affine.shift;
  for (int64_t i = 0; i < count; i += period) {
    const int64_t width = std::min(period, count - i);
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const T z = x[i + c] * scale[c] + shift[c];
      y[i + c] = with_gelu ? gelu(z) : z;
    }
  }
}

/** The gradient of z: recomputed from x wherever it is needed, which is cheaper than keeping it in memory. */
template <bool with_gelu, typename T>
ADSAM_INLINE T gradient_of_normalised(T x, T dy, T scale, T shift) {
  return with_gelu ? dy * gelu_derivative(x * scale + shift) : dy;
}

template <bool with_gelu, typename T>
ADSAM_INLINE void add_gradients_impl(const T* x, const T* dy, int64_t count, int64_t period, AffineTable<T> affine,
                                     AffineTable<T> unit, double* sums, double* products) {
  const T *scale = affine.scale, *shift = affine.shift, *unit_scale = unit.scale, *unit_shift = unit.shift;
  std::vector<T> buffer(2 * period);
  T *near_sums = buffer.data(), *near_products = near_sums + period;
  for (int64_t i = 0, row = 0; i < count; i += period) {
    const int64_t width = std::min(period, count - i);
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const T dz = gradient_of_normalised<with_gelu>(x[i + c], dy[i + c], scale[c], shift[c]);
      near_sums[c] += dz;
      near_products[c] += dz * (x[i + c] * unit_scale[c] + unit_shift[c]);
    }
    if (++row % kNearby != 0 && i + period < count) continue;
#pragma omp simd
    for (int64_t c = 0; c < period; ++c) {
      sums[c] += near_sums[c], products[c] += near_products[c];
      near_sums[c] = near_products[c] = 0;
    }
  }
}

template <bool with_gelu, typename T>
ADSAM_INLINE void input_gradient_impl(const T* x, const T* dy, int64_t count, int64_t period, AffineTable<T> affine,
                                      AffineTable<T> mean, T* dx) {
  const T *scale = affine.scale, *shift = affine.shift, *mean_scale = mean.scale, *mean_shift = mean.shift;
  for (int64_t i = 0; i < count; i += period) {
    const int64_t width = std::min(period, count - i);
#pragma omp simd
    for (int64_t c = 0; c < width; ++c) {
      const T dz = gradient_of_normalised<with_gelu>(x[i + c], dy[i + c], scale[c], shift[c]);
      dx[i + c] = dz * scale[c] + (x[i + c] * mean_scale[c] + mean_shift[c]);
    }
  }
}

}  // namespace

// One of each for every instruction set, in both precisions; the branch on GELU is taken once a span.
#define ADSAM_SPANS(T)                                                                                  \
  void add_moments(const T* x, int64_t count, int64_t period, const T* origin, double* sums,            \
                   double* squares) {                                                                   \
    on_cpu<add_moments_impl<T>>(x, count, period, origin, sums, squares);                               \
  }                                                                                                     \
  void normalise(const T* x, int64_t count, int64_t period, AffineTable<T> affine, bool gelu, T* y) {   \
    if (gelu)                                                                                           \
      on_cpu<normalise_impl<true, T>>(x, count, period, affine, y);                                     \
    else                                                                                                \
      on_cpu<normalise_impl<false, T>>(x, count, period, affine, y);                                    \
  }                                                                                                     \
  void add_gradients(const T* x, const T* dy, int64_t count, int64_t period, AffineTable<T> affine,     \
                     AffineTable<T> unit, bool gelu, double* sums, double* products) {                  \
    if (gelu)                                                                                           \
      on_cpu<add_gradients_impl<true, T>>(x, dy, count, period, affine, unit, sums, products);          \
    else                                                                                                \
      on_cpu<add_gradients_impl<false, T>>(x, dy, count, period, affine, unit, sums, products);         \
  }                                                                                                     \
  void input_gradient(const T* x, const T* dy, int64_t count, int64_t period, AffineTable<T> affine,    \
                      AffineTable<T> mean, bool gelu, T* dx) {                                          \
    if (gelu)                                                                                           \
      on_cpu<input_gradient_impl<true, T>>(x, dy, count, period, affine, mean, dx);                     \
    else                                                                                                \
      on_cpu<input_gradient_impl<false, T>>(x, dy, count, period, affine, mean, dx);                    \
  }

ADSAM_SPANS(float)
ADSAM_SPANS(double)

}  // namespace adsam
