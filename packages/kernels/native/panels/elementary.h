#pragma once

#include "panels/vector.h"

/** exp2 and GELU of vectors, by polynomials fitted for the least greatest error. */
namespace adsam::ADSAM_ISA {

/** Σ coefficients[i]·xⁱ. */
template <int count>
ADSAM_INLINE Floats polynomial(const float (&coefficients)[count], Floats x) {
  Floats sum = splat(coefficients[count - 1]);
#pragma GCC unroll 16
  for (int i = count - 2; i >= 0; --i) sum = sum * x + coefficients[i];
  return sum;
}

/** 2^x on [-1/2, 1/2], relative errors 7.5e-8 and (for what becomes a bfloat16) 7.5e-5. */
template <class Unit>
inline constexpr float kExp2[] = {1.f,          0.69314694f,   0.2402212f, 0.05550713f,
                                  0.009675541f, 0.0013276471f};
template <>
inline constexpr float kExp2<Pair>[] = {0.99992806f, 0.69326097f, 0.2426111f, 0.05517167f};

/** 2^x for x ≤ 0; where there is no instruction that scales, it stays at 2^-125 below that, which beside the 1 of a softmax is nothing. */
template <class Unit>
ADSAM_INLINE Floats exp2_of(Floats x) {
#if defined(__AVX512F__)
  const __m512 whole = _mm512_maskz_roundscale_ps(0xffff, (__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  return (Floats)_mm512_maskz_scalef_ps(0xffff, (__m512)polynomial(kExp2<Unit>, x - (Floats)whole), whole);
#else
  constexpr float rounder = 12582912.f;  // 1.5·2²³: what is added to it loses its fraction
  x = x < -125.f ? splat(-125.f) : x;
  const Floats shifted = x + rounder;
  const Floats fraction = x - (shifted - rounder);
  return (Floats)((Ints)polynomial(kExp2<Unit>, fraction) + ((Ints)shifted << 23));
#endif
}

/**
 * x·Φ(x). Φ(x) − ½ is x times a polynomial of x² up to |x| = 5, where Φ is 1 to a float's precision; the error is at most
 * 3.3e-7·max(1, |x|).
 */
ADSAM_INLINE Floats gelu(Floats x) {
  constexpr float coefficients[] = {0.14136378f,  -0.070296206f, 0.051520348f,  -0.04044455f,  0.031445324f,
                                    -0.023254935f, 0.016383184f, -0.011202918f, 0.0064594727f, -0.0026390436f,
                                    0.0016668483f, -0.0016333414f, 0.0006320067f};
  Floats bounded = x > 5.f ? splat(5.f) : x;
  bounded = bounded < -5.f ? splat(-5.f) : bounded;
  const Floats place = bounded * bounded * 0.08f - 1.f;  // x² from [0, 25] to [-1, 1]
  const Floats phi = bounded * polynomial(coefficients, place) + 0.5f;
  return x < -5.5f ? Floats{} : x * phi;
}

}  // namespace adsam::ADSAM_ISA
