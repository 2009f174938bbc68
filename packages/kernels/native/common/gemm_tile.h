#pragma once

#include <cstdint>

#include "common/vector.h"

/**
 * The innermost part of common/gemm.h: a tile of C, `rows` × `vectors` registers, summed over k with two loads' worth of
 * memory traffic for every six to eight multiplications. One template for all instruction sets, in GCC's vector types.
 *
 * The tile of panels/multiply.h is another: its A is packed, so it may be fourteen rows high, where this one reads A as
 * it lies and stops at eight for the sake of the first cache. That one sums pairs of bfloat16 by an instruction of their
 * own and ends in the steps of a running softmax; this one serves float64, any width of B, and adds to C.
 */
namespace adsam {

/** One tile's operands. A's element (i, p) lies at i·a_stride + p, or transposed at i + p·a_stride. */
template <typename T>
struct Tile {
  const T* a;
  int64_t a_stride;
  const T* b;  // row p at p·b_stride
  int64_t b_stride;
  int64_t k;
  T* c;
  int64_t c_stride;
  bool accumulate;
  const T* bias;  // or null
  bool relu;
};

/** All of B's, C's and the bias's vectors are whole ones. */
template <typename T, int bytes, int vectors, int rows, bool transposed>
ADSAM_INLINE void sum_tile(const Tile<T>& tile) {
  using V = Vector<T, bytes>;
  using Anywhere = typename V::Anywhere;
  typename V::Type sums[rows][vectors] = {};
  const auto each = [](const auto& run) ADSAM_INLINE_LAMBDA {
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
      for (int j = 0; j < vectors; ++j) run(i, j);
  };
  const auto in_c = [&tile](int i, int j) ADSAM_INLINE_LAMBDA {
    return reinterpret_cast<Anywhere*>(tile.c + i * tile.c_stride + j * V::lanes);
  };
  if (tile.accumulate) each([&](int i, int j) ADSAM_INLINE_LAMBDA { sums[i][j] = *in_c(i, j); });

  const T *a = tile.a, *b = tile.b;
  const int64_t a_stride = tile.a_stride, a_step = transposed ? a_stride : 1, b_stride = tile.b_stride;
#pragma GCC unroll 1
  for (int64_t p = 0; p < tile.k; ++p, a += a_step, b += b_stride) {
    typename V::Type row[vectors];
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) row[j] = *reinterpret_cast<const Anywhere*>(b + j * V::lanes);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      const T factor = transposed ? a[i] : a[i * a_stride];
#pragma GCC unroll 4
      for (int j = 0; j < vectors; ++j) sums[i][j] += factor * row[j];
    }
  }

  if (tile.bias) {
    const T* bias = tile.bias;
    each([&](int i, int j) ADSAM_INLINE_LAMBDA {
      sums[i][j] += *reinterpret_cast<const Anywhere*>(bias + j * V::lanes);
    });
  }
  if (tile.relu) {
    const typename V::Type zero = {};
    each([&](int i, int j) ADSAM_INLINE_LAMBDA { sums[i][j] = sums[i][j] < zero ? zero : sums[i][j]; });
  }
  each([&](int i, int j) ADSAM_INLINE_LAMBDA { *in_c(i, j) = sums[i][j]; });
}

/** `rows` is at most `most`; every height has loops of its own. */
template <typename T, int bytes, int vectors, int most, bool transposed>
ADSAM_INLINE void sum_tile_of(const Tile<T>& tile, int64_t rows) {
  if (rows == most) return sum_tile<T, bytes, vectors, most, transposed>(tile);
  if constexpr (most > 1) sum_tile_of<T, bytes, vectors, most - 1, transposed>(tile, rows);
}

}  // namespace adsam
