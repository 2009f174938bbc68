#pragma once

#include "common/polynomial.h"
#include "panels/vector.h"

/**
 * 2^x of vectors, by polynomials fitted for the least greatest error. Beside the e^x of common/exp_log.h because a
 * softmax needs no more than this: the base goes into its scale, a bfloat16 needs half the terms, and AVX-512 scales by
 * 2^n itself.
 */
namespace adsam::ADSAM_ISA {

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

}  // namespace adsam::ADSAM_ISA
