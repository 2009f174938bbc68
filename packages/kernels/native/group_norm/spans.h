#pragma once

#include <cstdint>

/**
 * The four passes over memory that group normalisation is made of, each over a span: elements that lie one after
 * another, whose channel repeats with a period. Channels-last, the period is the channels of one or several pixels;
 * row-major, a span is (part of) one channel and the period a run of equal coefficients. So one loop serves both
 * layouts, and it is long enough for wide vectors also where a pixel has few channels.
 *
 * Tables hold one number for each element of the period; the last period of a span may be cut short.
 */
namespace adsam {

/** What turns x into its normalised value z = x·scale + shift. */
template <typename T>
struct AffineTable {
  const T *scale, *shift;
};

/** Adds x − origin and its square to `sums` and `squares`, element by element of the period. */
void add_moments(const float* x, int64_t count, int64_t period, const float* origin, double* sums, double* squares);
void add_moments(const double* x, int64_t count, int64_t period, const double* origin, double* sums, double* squares);

/** y = z, or gelu(z) */
void normalise(const float* x, int64_t count, int64_t period, AffineTable<float> affine, bool gelu, float* y);
void normalise(const double* x, int64_t count, int64_t period, AffineTable<double> affine, bool gelu, double* y);

/** Adds dz and dz·x̂ to `sums` and `products`, where dz is the gradient of z and x̂ = x·unit.scale + unit.shift. */
void add_gradients(const float* x, const float* dy, int64_t count, int64_t period, AffineTable<float> affine,
                   AffineTable<float> unit, bool gelu, double* sums, double* products);
void add_gradients(const double* x, const double* dy, int64_t count, int64_t period, AffineTable<double> affine,
                   AffineTable<double> unit, bool gelu, double* sums, double* products);

/** dx = dz·affine.scale + x·mean.scale + mean.shift: the last two take out what moves mean and deviation. */
void input_gradient(const float* x, const float* dy, int64_t count, int64_t period, AffineTable<float> affine,
                    AffineTable<float> mean, bool gelu, float* dx);
void input_gradient(const double* x, const double* dy, int64_t count, int64_t period, AffineTable<double> affine,
                    AffineTable<double> mean, bool gelu, double* dx);

}  // namespace adsam
