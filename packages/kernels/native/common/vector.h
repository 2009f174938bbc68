#pragma once

#include <cstdint>

#include "common/inline.h"

namespace adsam {

/** `bytes` wide vectors of T; `Anywhere` is the same in memory, aligned as a T is, or to `alignment` bytes. */
template <typename T, int bytes, int alignment = alignof(T)>
struct Vector {
  typedef T Type __attribute__((vector_size(bytes)));
  typedef T Anywhere __attribute__((vector_size(bytes), aligned(alignment), may_alias));
  static constexpr int lanes = bytes / sizeof(T);
};

}  // namespace adsam
