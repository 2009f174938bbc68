#pragma once

#include "panels/vector.h"

/**
 * The product everything here is made of: a tile of M rows (broadcast from `a`) by one or two vectors of columns (`b`), held in
 * registers while the sum runs. `a` is laid out [k][row], `b` [k][kColumns]; a unit of k is a float, or a pair of bfloat16.
 * Another tile than that of common/gemm_tile.h, which says why.
 */
namespace adsam::ADSAM_ISA {

/** What a tile starts from and does besides. */
enum class Tile {
  plain,   // from `start`
  scores,  // from `start`, and raises `most` to the tile's greatest element of each column
  scaled,  // from `start` times `factor`, a number for each column
};

/** start and c: rows of kColumns floats, `start_step` and `c_step` apart; they may be the same. */
template <class Unit>
struct Factors {
  const Unit* a;
  int64_t a_step;
  const Unit* b;
  int64_t count;
  const float* start;
  int64_t start_step;
  float* c;
  int64_t c_step;
  float* most;
  const float* factor;
};

template <class Unit, Tile kind, int M, int N>
__attribute__((noinline)) void multiply_tile(const Factors<Unit>& f) {
  Floats sum[M][N];
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < N; ++v) {
      sum[i][v] = load(f.start + i * f.start_step + v * kLanes);
      if (kind == Tile::scaled) sum[i][v] *= load(f.factor + v * kLanes);
    }
  const Unit *a = f.a, *b = f.b;
  const int64_t a_step = f.a_step;
#pragma GCC unroll 2
  for (int64_t k = f.count; k > 0; --k) {
    typename Operand<Unit>::Vector columns[N];
#pragma GCC unroll 2
    for (int v = 0; v < N; ++v) columns[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < M; ++i) {
      const typename Operand<Unit>::Vector row = splat(a[i]);
#pragma GCC unroll 2
      for (int v = 0; v < N; ++v) sum[i][v] = multiply_add(row, columns[v], sum[i][v]);
    }
    a += a_step;
    b += kColumns;
  }
#pragma GCC unroll 16
  for (int i = 0; i < M; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < N; ++v) store(f.c + i * f.c_step + v * kLanes, sum[i][v]);
  if (kind == Tile::scores) {
#pragma GCC unroll 2
    for (int v = 0; v < N; ++v) {
      Floats most = load(f.most + v * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < M; ++i) most = larger(sum[i][v], most);
      store(f.most + v * kLanes, most);
    }
  }
}

template <class Unit>
using TileFunction = void (*)(const Factors<Unit>&);

/** multiply_tile for 1 … kRows rows and 1 or 2 vectors of columns: functions[rows - 1][vectors - 1]. */
template <class Unit, Tile kind>
struct TileFunctions {
  TileFunction<Unit> functions[kRows][kVectors];

  template <int M = 1>
  constexpr void fill() {
    functions[M - 1][0] = multiply_tile<Unit, kind, M, 1>;
    functions[M - 1][1] = multiply_tile<Unit, kind, M, 2>;
    if constexpr (M < kRows) fill<M + 1>();
  }
  constexpr TileFunctions() : functions{} { fill(); }
};

template <class Unit, Tile kind>
ADSAM_INLINE void multiply(int64_t rows, int64_t vectors, const Factors<Unit>& factors) {
  static constexpr TileFunctions<Unit, kind> table;
  table.functions[rows - 1][vectors - 1](factors);
}

}  // namespace adsam::ADSAM_ISA
