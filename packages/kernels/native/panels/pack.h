#pragma once

#include "panels/vector.h"

/** Rows in memory → panels: [k][row], a unit a row, as `multiply.h` reads both its operands. */
namespace adsam::ADSAM_ISA {

/** Numbers of a row as units of a product: kLanes units from unit k on, and one unit of a row of `count` numbers. */
template <class Unit, class Stored>
struct Reader;

template <>
struct Reader<float, float> {
  static ADSAM_INLINE Floats read(const float* row, int64_t k) { return load(row + k); }
  static ADSAM_INLINE float one(const float* row, int64_t k, int64_t) { return row[k]; }
};

template <>
struct Reader<float, uint16_t> {
  static ADSAM_INLINE Floats read(const uint16_t* row, int64_t k) {
    Floats values;
    for (int i = 0; i < kLanes; ++i) values[i] = widen(row[k + i]);
    return values;
  }
  static ADSAM_INLINE float one(const uint16_t* row, int64_t k, int64_t) { return widen(row[k]); }
};

template <>
struct Reader<Pair, uint16_t> {
  static ADSAM_INLINE Words read(const uint16_t* row, int64_t k) {
    return *reinterpret_cast<const WordsInMemory*>(row + 2 * k);
  }
  static ADSAM_INLINE Pair one(const uint16_t* row, int64_t k, int64_t count) {
    return row[2 * k] | (2 * k + 1 < count ? Pair{row[2 * k + 1]} << 16 : 0);
  }
};

template <>
struct Reader<Pair, float> {
  static ADSAM_INLINE Words read(const float* row, int64_t k) { return paired(row + 2 * k); }
  static ADSAM_INLINE Pair one(const float* row, int64_t k, int64_t count) {
    return narrow(row[2 * k]) | (2 * k + 1 < count ? Pair{narrow(row[2 * k + 1])} << 16 : 0);
  }
};

#define ADSAM_LANES_4(x) x(0), x(1), x(2), x(3)
#define ADSAM_LANES_8(x) ADSAM_LANES_4(x), x(4), x(5), x(6), x(7)
#define ADSAM_LANES_16(x) ADSAM_LANES_8(x), x(8), x(9), x(10), x(11), x(12), x(13), x(14), x(15)
#define ADSAM_LOWER(i) ((i) / 2 + ((i) % 2) * kLanes)
#define ADSAM_UPPER(i) ((i) / 2 + ((i) % 2) * kLanes + kLanes / 2)

/** kLanes × kLanes: row and column change places. Interleaving row i with row i + kLanes/2, log2(kLanes) times, does it. */
template <class Vector>
ADSAM_INLINE void transpose(Vector (&rows)[kLanes]) {
#pragma GCC unroll 4
  for (int stage = kLanes; stage > 1; stage /= 2) {
    Vector next[kLanes];
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      const Vector first = rows[i], second = rows[i + kLanes / 2];
#if defined(__AVX512F__)
      next[2 * i] = __builtin_shufflevector(first, second, ADSAM_LANES_16(ADSAM_LOWER));
      next[2 * i + 1] = __builtin_shufflevector(first, second, ADSAM_LANES_16(ADSAM_UPPER));
#elif defined(__AVX2__)
      next[2 * i] = __builtin_shufflevector(first, second, ADSAM_LANES_8(ADSAM_LOWER));
      next[2 * i + 1] = __builtin_shufflevector(first, second, ADSAM_LANES_8(ADSAM_UPPER));
#else
      next[2 * i] = __builtin_shufflevector(first, second, ADSAM_LANES_4(ADSAM_LOWER));
      next[2 * i + 1] = __builtin_shufflevector(first, second, ADSAM_LANES_4(ADSAM_UPPER));
#endif
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
  }
}

#undef ADSAM_LOWER
#undef ADSAM_UPPER
#undef ADSAM_LANES_4
#undef ADSAM_LANES_8
#undef ADSAM_LANES_16

/**
 * to[k · step + i] = unit k of rows[i], for i in [0, height) and `count` numbers a row. Rows are read kLanes at a time: `rows` has
 * readable pointers up to the next multiple of kLanes, and `to` kLanes units to spare behind its end.
 */
template <class Unit, class Stored>
ADSAM_INLINE void pack(Unit* to, int64_t step, const Stored* const* rows, int64_t height, int64_t count) {
  using R = Reader<Unit, Stored>;
  const int64_t units = Operand<Unit>::units(count);
  const int64_t full = (Operand<Unit>::units(count) == count ? count : count / 2) / kLanes * kLanes;
  for (int64_t k = 0; k < units; k += kLanes) {
    // From the last rows to the first: what a row writes too far is overwritten by the next, or by the block before.
    for (int64_t first = (height - 1) / kLanes * kLanes; first >= 0; first -= kLanes) {
      if (k < full) {
        typename Operand<Unit>::Vector block[kLanes];
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) block[i] = R::read(rows[first + i], k);
        transpose(block);
#pragma GCC unroll 16
        for (int i = 0; i < kLanes; ++i) store(to + (k + i) * step + first, block[i]);
      } else {
        for (int64_t at = k; at < units; ++at)
          for (int64_t i = first; i < height && i < first + kLanes; ++i)
            to[at * step + i] = R::one(rows[i], at, count);
      }
    }
  }
}

}  // namespace adsam::ADSAM_ISA
