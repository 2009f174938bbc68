#pragma once

#include "common/polynomial.h"

/**
 * GELU, z·Φ(z) with Φ the normal distribution's cumulative function (the exact form, by erf), and its derivative,
 * of a float or of a vector of floats (common/vector.h); a loop over the former becomes vector code at any width.
 * Doubles go through the C library: they are for gradient checks.
 *
 * Both Φ(z) − ½ and the derivative − ½ are odd and flat beyond a few units, so in float32 each is z·P(t), t = z² scaled
 * to [−1, 1], P a minimax polynomial (Remez weights by iterated least squares on Chebyshev points): monomials of t keep
 * every coefficient small, so Horner's rule loses nothing. The error is a few roundings near 1: below 1e-7 for Φ, 4e-7
 * for the derivative.
 */
namespace adsam {

namespace gelu_detail {

/** ½ + z·P(t), and exactly 0 and 1 outside [−reach, reach]; NaN stays NaN. */
template <int n, typename Z>
ADSAM_INLINE Z step(const float (&c)[n], Z z, float reach) {
  const Z t = z * z * (2 / (reach * reach)) - 1.0f;
  const Z inside = 0.5f + z * polynomial(c, t), none{}, whole = none + 1.0f;
  return z > reach ? whole : z < -reach ? none : inside;
}

}  // namespace gelu_detail

/** Φ(z) */
template <typename Z>
ADSAM_INLINE Z normal_cdf(Z z) {
  constexpr float c[] = {0.135949984f,   -0.0677437782f,  0.050026007f,    -0.0399264134f,   0.0319645256f,
                         -0.0247537661f, 0.0181168728f,   -0.0123921251f,  0.00807052851f,   -0.00499320077f,
                         0.00255563715f, -0.00104565744f, 0.000692210626f, -0.000539195375f, 0.000172198736f};
  return gelu_detail::step(c, z, 5.2f);
}
ADSAM_INLINE double normal_cdf(double z) { return 0.5 * (1 + __builtin_erf(z * 0.70710678118654752440)); }

template <typename T>
ADSAM_INLINE T gelu(T z) {
  return z * normal_cdf(z);
}

/** Φ(z) + z·φ(z), φ the normal density. */
template <typename Z>
ADSAM_INLINE Z gelu_derivative(Z z) {
  constexpr float c[] = {0.126416653f,    -0.0642825365f, 0.0518067479f,  -0.0509606563f, 0.0567131862f,
                         -0.0650584176f,  0.0713803545f,  -0.0725726783f, 0.067679286f,   -0.0558198579f,
                         0.0401899479f,   -0.0298325084f, 0.0235681515f,  -0.0120506212f, 0.00211045588f,
                         -0.00232024025f, 0.00372034824f, -0.00140183128f};
  return gelu_detail::step(c, z, 5.6f);
}
ADSAM_INLINE double gelu_derivative(double z) {
  constexpr double density = 0.3989422804014326779;  // 1 / √(2π)
  return normal_cdf(z) + z * density * __builtin_exp(-0.5 * z * z);
}

}  // namespace adsam
