#pragma once

#include <cmath>

#include "common/cpu_clones.h"

/**
 * GELU, z·Φ(z) with Φ the normal distribution's cumulative function (the exact form, by erf), and its derivative,
 * written so that a loop over them becomes vector code at any width. Doubles go through the C library: they are for
 * gradient checks.
 *
 * Both Φ(z) − ½ and the derivative − ½ are odd and flat beyond a few units, so in float32 each is z·P(t), t = z² scaled
 * to [−1, 1], P a minimax polynomial (Remez weights by iterated least squares on Chebyshev points): monomials of t keep
 * every coefficient small, so Horner's rule loses nothing. The error is a few roundings near 1: below 1e-7 for Φ, 4e-7
 * for the derivative.
 */
namespace adsam {

namespace gelu_detail {

/** c[i] + t·(c[i + 1] + t·(… + t·c[n − 1])). Recursive: a loop this long is not unrolled in time for vector code. */
template <int i, int n>
ADSAM_INLINE float horner(const float (&c)[n], float t) {
  if constexpr (i + 1 < n) return horner<i + 1>(c, t) * t + c[i];
  return c[n - 1];
}

/** ½ + z·P(t), and exactly 0 and 1 outside [−reach, reach]; NaN stays NaN. */
template <int n>
ADSAM_INLINE float step(const float (&c)[n], float z, float reach) {
  const float t = z * z * (2 / (reach * reach)) - 1;
  const float inside = 0.5f + z * horner<0>(c, t);
  return z > reach ? 1.0f : z < -reach ? 0.0f : inside;
}

}  // namespace gelu_detail

/** Φ(z) */
ADSAM_INLINE float normal_cdf(float z) {
  constexpr float c[] = {0.135949984f,   -0.0677437782f,  0.050026007f,    -0.0399264134f,   0.0319645256f,
                         -0.0247537661f, 0.0181168728f,   -0.0123921251f,  0.00807052851f,   -0.00499320077f,
                         0.00255563715f, -0.00104565744f, 0.000692210626f, -0.000539195375f, 0.000172198736f};
  return gelu_detail::step(c, z, 5.2f);
}
ADSAM_INLINE double normal_cdf(double z) { return 0.5 * (1 + std::erf(z * M_SQRT1_2)); }

template <typename T>
ADSAM_INLINE T gelu(T z) {
  return z * normal_cdf(z);
}

/** Φ(z) + z·φ(z), φ the normal density. */
ADSAM_INLINE float gelu_derivative(float z) {
  constexpr float c[] = {0.126416653f,    -0.0642825365f, 0.0518067479f,  -0.0509606563f, 0.0567131862f,
                         -0.0650584176f,  0.0713803545f,  -0.0725726783f, 0.067679286f,   -0.0558198579f,
                         0.0401899479f,   -0.0298325084f, 0.0235681515f,  -0.0120506212f, 0.00211045588f,
                         -0.00232024025f, 0.00372034824f, -0.00140183128f};
  return gelu_detail::step(c, z, 5.6f);
}
ADSAM_INLINE double gelu_derivative(double z) {
  constexpr double density = 0.3989422804014326779;  // 1 / √(2π)
  return normal_cdf(z) + z * density * std::exp(-0.5 * z * z);
}

}  // namespace adsam
