#pragma once

#include <cstdint>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "common/vector.h"

/**
 * The vectors of one instruction set, and the few operations that differ between them. Included only by the sources compiled
 * once for each instruction set (baseline.cpp, avx2.cpp, …), which name it in ADSAM_ISA: every copy has a namespace of its own,
 * so no wide instruction can reach a processor that lacks it.
 */
#ifndef ADSAM_ISA
#error "define ADSAM_ISA before including this"
#endif

namespace adsam::ADSAM_ISA {

/** Elements of a vector, and rows of a tile: as many accumulators as the registers hold beside two vectors and a broadcast. */
#if defined(__AVX512F__)
constexpr int kLanes = 16, kRows = 14;
#elif defined(__AVX2__)
constexpr int kLanes = 8, kRows = 6;
#elif defined(__aarch64__)
constexpr int kLanes = 4, kRows = 12;
#else
constexpr int kLanes = 4, kRows = 6;
#endif
/** Vectors in a row of a tile, and elements. */
constexpr int kVectors = 2, kColumns = kVectors * kLanes;

using Floats = Vector<float, 4 * kLanes>::Type;
using Ints = Vector<int32_t, 4 * kLanes>::Type;
using Words = Vector<uint32_t, 4 * kLanes>::Type;
using Halves = Vector<uint16_t, 2 * kLanes>::Type;
using FloatsInMemory = Vector<float, 4 * kLanes>::Anywhere;
using WordsInMemory = Vector<uint32_t, 4 * kLanes, 2>::Anywhere;  // pairs may begin at any half
using HalvesInMemory = Vector<uint16_t, 2 * kLanes>::Anywhere;

/** Two bfloat16 numbers that follow each other along the axis a product sums over, the first in the low half. */
using Pair = uint32_t;

ADSAM_INLINE Floats splat(float x) { return x - Floats{}; }
ADSAM_INLINE Words splat(Pair x) { return x - Words{}; }
ADSAM_INLINE Floats load(const float* p) { return *reinterpret_cast<const FloatsInMemory*>(p); }
ADSAM_INLINE Words load(const Pair* p) { return *reinterpret_cast<const WordsInMemory*>(p); }
ADSAM_INLINE void store(float* p, Floats x) { *reinterpret_cast<FloatsInMemory*>(p) = x; }
ADSAM_INLINE void store(Pair* p, Words x) { *reinterpret_cast<WordsInMemory*>(p) = x; }
ADSAM_INLINE void store(uint16_t* p, Halves x) { *reinterpret_cast<HalvesInMemory*>(p) = x; }

/** The greater; `b` where either is not a number. */
ADSAM_INLINE Floats larger(Floats a, Floats b) { return a > b ? a : b; }

/** A bfloat16 as the float32 it stands for. */
ADSAM_INLINE float widen(uint16_t half) {
  const uint32_t bits = uint32_t{half} << 16;
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

/** The nearest bfloat16, ties to even; not-a-number stays so. */
ADSAM_INLINE uint16_t narrow(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  if (value != value) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/** The same for a vector, each result in the upper half of its word. */
ADSAM_INLINE Words rounded(Floats x) {
  const Words bits = (Words)x;
  const Words nearest = bits + 0x7fffu + ((bits >> 16) & 1u);
  return x == x ? nearest : bits | 0x400000u;
}

#if defined(__AVX512BF16__)

ADSAM_INLINE Halves narrow(Floats x) { return (Halves)_mm512_cvtneps_pbh((__m512)x); }

/** Pairs of two vectors: element i of `first` with element i of `second`. */
ADSAM_INLINE Words paired(Floats first, Floats second) {
  return __builtin_convertvector(narrow(first), Words) | __builtin_convertvector(narrow(second), Words) << 16;
}

/** Pairs of 2·kLanes numbers in memory that follow each other. */
ADSAM_INLINE Words paired(const float* x) {
  return (Words)_mm512_cvtne2ps_pbh((__m512)load(x + kLanes), (__m512)load(x));
}

ADSAM_INLINE Floats multiply_add(Words a, Words b, Floats sum) {
  return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}

#else

ADSAM_INLINE Halves narrow(Floats x) { return __builtin_convertvector(rounded(x) >> 16, Halves); }

ADSAM_INLINE Words paired(Floats first, Floats second) {
  return (rounded(first) >> 16) | (rounded(second) & 0xffff0000u);
}

ADSAM_INLINE Words paired(const float* x) {
  Pair pairs[kLanes];
  for (int i = 0; i < kLanes; ++i) pairs[i] = narrow(x[2 * i]) | Pair{narrow(x[2 * i + 1])} << 16;
  return load(pairs);
}

/** Sums of two products each, in float32. */
ADSAM_INLINE Floats multiply_add(Words a, Words b, Floats sum) {
  return sum + (Floats)(a << 16) * (Floats)(b << 16) + (Floats)(a & 0xffff0000u) * (Floats)(b & 0xffff0000u);
}

#endif

ADSAM_INLINE Floats multiply_add(Floats a, Floats b, Floats sum) { return a * b + sum; }

/** What a unit of a product reads its operand's vectors as, and what numbers lie in memory behind it. */
template <class Unit>
struct Operand;
template <>
struct Operand<float> {
  using Vector = Floats;
  using Stored = float;
  static constexpr int64_t units(int64_t count) { return count; }
};
template <>
struct Operand<Pair> {
  using Vector = Words;
  using Stored = uint16_t;
  static constexpr int64_t units(int64_t count) { return (count + 1) / 2; }
};

}  // namespace adsam::ADSAM_ISA
