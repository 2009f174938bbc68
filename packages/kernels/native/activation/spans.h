#pragma once

#include <cstdint>

/** Single numbers, one after another; compiled for each instruction set. */
namespace adsam {

/** y = gelu(x) */
void gelu_span(const float* x, int64_t count, float* y);
void gelu_span(const double* x, int64_t count, double* y);

/** dx = dy · gelu'(x) */
void gelu_gradient_span(const float* x, const float* dy, int64_t count, float* dx);
void gelu_gradient_span(const double* x, const double* dy, int64_t count, double* dx);

/** sum = max(sum + added, 0); NaN stays NaN */
void add_relu_span(const float* added, int64_t count, float* sum);
void add_relu_span(const double* added, int64_t count, double* sum);

}  // namespace adsam
