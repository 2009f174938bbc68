#pragma once

#include "common/gemm_tile.h"
#include "common/instruction_set.h"

/**
 * Winograd's F(4×4, 3×3) (Lavin & Gray 2016; the matrices after Toom and Cook): a 4 × 4 tile of a 3 × 3 convolution's
 * output as 36 products in place of 144, Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A. Each struct is one of the matrices, applied to
 * a column of vectors; what `reads_ahead` fetches the tile to the right into the cache meanwhile.
 *
 * The points are 0, ±√½, ±√2 and infinity. Against the usual 0, ±1, ±2 they divide the largest float32 error by four
 * (2–3·10⁻⁶ of the largest output over 256 channels, a direct convolution has 3·10⁻⁷), and since their squares are ½
 * and 2 every even coefficient is exact.
 */
namespace adsam::winograd {

constexpr int kTile = 4, kPatch = 6, kPlanes = kPatch * kPatch;

constexpr double kSmall = 0.70710678118654752440;  // √½
constexpr double kLarge = 1.41421356237309504880;  // √2

/** Bᵀ: six pixels of a patch → six. */
struct Input {
  static constexpr int in = kPatch, out = kPatch;
  static constexpr bool reads_ahead = true;

  template <typename T, typename V>
  static ADSAM_INLINE void apply(const V* d, V* t) {
    const V even_small = d[4] - T(2) * d[2], odd_small = d[3] - T(2) * d[1];
    const V even_large = d[4] - T(0.5) * d[2], odd_large = d[3] - T(0.5) * d[1];
    t[0] = d[0] + d[4] - T(2.5) * d[2];
    t[1] = even_small + T(kSmall) * odd_small;
    t[2] = even_small - T(kSmall) * odd_small;
    t[3] = even_large + T(kLarge) * odd_large;
    t[4] = even_large - T(kLarge) * odd_large;
    t[5] = d[1] + d[5] - T(2.5) * d[3];
  }
};

/** Aᵀ: six products → four pixels of the output. */
struct Output {
  static constexpr int in = kPatch, out = kTile;
  static constexpr bool reads_ahead = false;

  template <typename T, typename V>
  static ADSAM_INLINE void apply(const V* m, V* y) {
    const V even_small = m[1] + m[2], odd_small = m[1] - m[2];
    const V even_large = m[3] + m[4], odd_large = m[3] - m[4];
    y[0] = m[0] + even_small + even_large;
    y[1] = T(kSmall) * odd_small + T(kLarge) * odd_large;
    y[2] = T(0.5) * even_small + T(2) * even_large;
    y[3] = m[5] + T(0.5 * kSmall) * odd_small + T(2 * kLarge) * odd_large;
  }
};

/** A: four pixels of the output's gradient → six. */
struct OutputGradient {
  static constexpr int in = kTile, out = kPatch;
  static constexpr bool reads_ahead = true;

  template <typename T, typename V>
  static ADSAM_INLINE void apply(const V* y, V* m) {
    const V even_small = y[0] + T(0.5) * y[2], odd_small = y[1] + T(0.5) * y[3];
    const V even_large = y[0] + T(2) * y[2], odd_large = y[1] + T(2) * y[3];
    m[0] = y[0];
    m[1] = even_small + T(kSmall) * odd_small;
    m[2] = even_small - T(kSmall) * odd_small;
    m[3] = even_large + T(kLarge) * odd_large;
    m[4] = even_large - T(kLarge) * odd_large;
    m[5] = y[3];
  }
};

/** G: three weights → six. */
struct Weight {
  static constexpr int in = 3, out = kPatch;
  static constexpr bool reads_ahead = false;

  template <typename T, typename V>
  static ADSAM_INLINE void apply(const V* g, V* u) {
    const V even_small = T(-2.0 / 3) * g[0] - T(1.0 / 3) * g[2], even_large = T(1.0 / 6) * g[0] + T(1.0 / 3) * g[2];
    u[0] = g[0];
    u[1] = even_small - T(kSmall * 2 / 3) * g[1];
    u[2] = even_small + T(kSmall * 2 / 3) * g[1];
    u[3] = even_large + T(kLarge / 6) * g[1];
    u[4] = even_large - T(kLarge / 6) * g[1];
    u[5] = g[2];
  }
};

/** Gᵀ: six gradients of transformed weights → three of the weights. */
struct WeightGradient {
  static constexpr int in = kPatch, out = 3;
  static constexpr bool reads_ahead = false;

  template <typename T, typename V>
  static ADSAM_INLINE void apply(const V* u, V* g) {
    const V even_small = u[1] + u[2], even_large = u[3] + u[4];
    g[0] = u[0] - T(2.0 / 3) * even_small + T(1.0 / 6) * even_large;
    g[1] = T(kLarge / 6) * (u[3] - u[4]) - T(kSmall * 2 / 3) * (u[1] - u[2]);
    g[2] = u[5] + T(1.0 / 3) * (even_large - even_small);
  }
};

/**
 * What a transform is applied to: an array of vectors, element (i, j) at in + i·in_row + j·in_column, and where the
 * result goes; then as many more as `vectors` says, each one vector further on both sides.
 */
template <typename T>
struct Step {
  const T* in;
  int64_t in_row, in_column;
  T* out;
  int64_t out_row, out_column;
  int64_t vectors = 1;
  const T* bias = nullptr;  // added to the result, one vector for all its elements; moves on like the others
  bool relu = false;
};

/** X → M X Mᵀ, for the matrix M that `Transform` is. Bias and ReLU are for whom `finish` says so. */
template <typename Transform, bool finish, typename T, int bytes>
ADSAM_INLINE void transform(const Step<T>& step) {
  using V = typename Vector<T, bytes>::Type;
  using Anywhere = typename Vector<T, bytes>::Anywhere;
  constexpr int lanes = Vector<T, bytes>::lanes;
  const T *in = step.in, *bias_in = finish ? step.bias : nullptr;
  T* out = step.out;
  const int64_t in_row = step.in_row, in_column = step.in_column, out_row = step.out_row, out_column = step.out_column;
  const int64_t vectors = step.vectors;
  const bool relu = finish && step.relu;
  for (int64_t v = 0; v < vectors; ++v, in += lanes, out += lanes) {
    V middle[Transform::out][Transform::in];
#pragma GCC unroll 6
    for (int j = 0; j < Transform::in; ++j) {
      V column[Transform::in], result[Transform::out];
#pragma GCC unroll 6
      for (int i = 0; i < Transform::in; ++i)
        column[i] = *reinterpret_cast<const Anywhere*>(in + i * in_row + j * in_column);
      if (Transform::reads_ahead && j >= Transform::in - kTile)
#pragma GCC unroll 6
        for (int i = 0; i < Transform::in; ++i) __builtin_prefetch(in + i * in_row + (j + kTile) * in_column);
      Transform::template apply<T>(column, result);
#pragma GCC unroll 6
      for (int i = 0; i < Transform::out; ++i) middle[i][j] = result[i];
    }
    V bias = {};
    if (bias_in) bias = *reinterpret_cast<const Anywhere*>(bias_in + v * lanes);
#pragma GCC unroll 6
    for (int i = 0; i < Transform::out; ++i) {
      V result[Transform::out];
      Transform::template apply<T>(middle[i], result);
#pragma GCC unroll 6
      for (int j = 0; j < Transform::out; ++j) {
        V value = result[j];
        if (finish) {
          const V zero = {};
          value += bias;
          if (relu) value = value < zero ? zero : value;
        }
        *reinterpret_cast<Anywhere*>(out + i * out_row + j * out_column) = value;
      }
    }
  }
}

/** The transforms as one instruction set has them, vectors of `lanes` numbers. */
template <typename T>
struct Transforms {
  using Function = void (*)(const Step<T>& step);

  int64_t lanes;
  Function input, output, output_gradient, weight, weight_gradient;
};

template <typename T>
const Transforms<T>& transforms(InstructionSet set);

}  // namespace adsam::winograd
