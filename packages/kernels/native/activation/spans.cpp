#include "activation/spans.h"

#include "common/cpu_clones.h"
#include "common/gelu.h"

namespace adsam {

#define ADSAM_ACTIVATION_SPANS(T)                                                                  \
  ADSAM_CPU_CLONES void gelu_span(const T* x, int64_t count, T* y) {                               \
    _Pragma("omp simd") for (int64_t i = 0; i < count; ++i) y[i] = gelu(x[i]);                     \
  }                                                                                                \
  ADSAM_CPU_CLONES void gelu_gradient_span(const T* x, const T* dy, int64_t count, T* dx) {        \
    _Pragma("omp simd") for (int64_t i = 0; i < count; ++i) dx[i] = dy[i] * gelu_derivative(x[i]); \
  }                                                                                                \
  ADSAM_CPU_CLONES void add_relu_span(const T* added, int64_t count, T* sum) {                     \
    _Pragma("omp simd") for (int64_t i = 0; i < count; ++i) {                                      \
      const T value = sum[i] + added[i];                                                           \
      sum[i] = value <= 0 ? T(0) : value;                                                          \
    }                                                                                              \
  }

ADSAM_ACTIVATION_SPANS(float)
ADSAM_ACTIVATION_SPANS(double)

}  // namespace adsam
