#include "activation/spans.h"

#include "common/gelu.h"
#include "common/on_cpu.h"

namespace adsam {
namespace {

template <typename T>
ADSAM_INLINE void gelu_impl(const T* x, int64_t count, T* y) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = gelu(x[i]);
}

template <typename T>
ADSAM_INLINE void gelu_gradient_impl(const T* x, const T* dy, int64_t count, T* dx) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * gelu_derivative(x[i]);
}

template <typename T>
ADSAM_INLINE void add_relu_impl(const T* added, int64_t count, T* sum) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const T value = sum[i] + added[i];
    sum[i] = value <= 0 ? T(0) : value;
  }
}

}  // namespace

#define ADSAM_ACTIVATION_SPANS(T)                                                                            \
  void gelu_span(const T* x, int64_t count, T* y) { on_cpu<gelu_impl<T>>(x, count, y); }                     \
  void gelu_gradient_span(const T* x, const T* dy, int64_t count, T* dx) {                                   \
    on_cpu<gelu_gradient_impl<T>>(x, dy, count, dx);                                                         \
  }                                                                                                          \
  void add_relu_span(const T* added, int64_t count, T* sum) { on_cpu<add_relu_impl<T>>(added, count, sum); }

ADSAM_ACTIVATION_SPANS(float)
ADSAM_ACTIVATION_SPANS(double)

}  // namespace adsam
