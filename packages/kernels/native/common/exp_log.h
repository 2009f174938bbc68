#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "common/polynomial.h"

/**
 * exp and log written so that a loop over them becomes vector code at any width. Doubles go through the C library: they
 * are for gradient checks.
 */
namespace adsam {

namespace exp_log_detail {

ADSAM_INLINE float from_bits(int32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

ADSAM_INLINE int32_t to_bits(float value) {
  int32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;  // their sum is ln 2, the first with few digits

}  // namespace exp_log_detail

/** e^x for x ≤ 0, within 2 units in the last place; 0 below −87.3, NaN for NaN. */
ADSAM_INLINE float exp_not_positive(float x) {
  using namespace exp_log_detail;
  // x = n ln 2 + r, |r| ≤ ½ ln 2: adding 1.5 · 2^23 rounds to a whole number, which then stands in the last bits.
  constexpr float shifter = 12582912.0f;
  const float shifted = x * 1.44269504f + shifter, n = shifted - shifter;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  // e^r = 1 + r + r² q(r), q the minimax polynomial of Cephes' expf
  constexpr float q[] = {5.0000001201e-1f, 1.6666665459e-1f, 4.1665795894e-2f,
                         8.3334519073e-3f, 1.3981999507e-3f, 1.9875691500e-4f};
  const float power = from_bits((to_bits(shifted) - to_bits(shifter) + 127) << 23);  // 2^n
  return x < -87.3f ? 0.0f : (polynomial(q, r) * (r * r) + r + 1.0f) * power;
}
inline double exp_not_positive(double x) { return std::exp(x); }

/** ln x for normal x ≥ 1, within 2 units in the last place of max(1, ln x); NaN for NaN. */
ADSAM_INLINE float log_from_one(float x) {
  using namespace exp_log_detail;
  // x = 2^n m with m in [√½, √2)
  const int32_t bits = to_bits(x), n = (bits - 0x3f3504f3) >> 23;
  const float m = from_bits(bits - (n << 23)) - 1.0f, power = static_cast<float>(n), square = m * m;
  // ln(1 + m) = m − m²/2 + m³ q(m), q the minimax polynomial of Cephes' logf
  constexpr float q[] = {3.3333331174e-1f, -2.4999993993e-1f, 2.0000714765e-1f, -1.6668057665e-1f, 1.4249322787e-1f,
                         -1.2420140846e-1f, 1.1676998740e-1f, -1.1514610310e-1f, 7.0376836292e-2f};
  const float tail = polynomial(q, m) * m * square + power * kLn2Low - 0.5f * square;
  return x != x ? x : m + tail + power * kLn2High;
}
inline double log_from_one(double x) { return std::log(x); }

}  // namespace adsam
