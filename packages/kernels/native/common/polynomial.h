#pragma once

#include "common/inline.h"

namespace adsam {

/**
 * c[0] + x·(c[1] + x·(c[2] + …)), of a number or of a vector of them (common/vector.h). Recursive: a loop this long is
 * not unrolled in time for vector code.
 */
template <int i = 0, int n, typename X>
ADSAM_INLINE X polynomial(const float (&c)[n], X x) {
  if constexpr (i + 1 < n) return polynomial<i + 1>(c, x) * x + c[i];
  return X{} + c[n - 1];
}

}  // namespace adsam
