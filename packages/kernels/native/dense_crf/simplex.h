#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace adsam {

/** More features a place than this are refused: rest of a vertex and a share of each coordinate go into one 64-bit key.
 */
constexpr int kMostDims = 7;

/** The simplex of the permutohedral lattice around a place: d + 1 vertices, and how near the place is to each. */
struct Simplex {
  /** Of the vertex with remainder 0: its first d coordinates, divided by d + 1. */
  int32_t cell[kMostDims + 1];
  /** Which coordinates go down a cell from one vertex to the next: coordinate i does from remainder d − rank[i] to the
   * next. */
  int32_t rank[kMostDims + 1];
  /** Barycentric weights, by remainder; 0…1, their sum is 1. */
  float weight[kMostDims + 2];
};

/**
 * How far a feature is stretched so that splatting, blurring once along each axis and slicing together are a Gaussian
 * of deviation 1 (Adams, Baek & Davis 2010, §3: the variance of those steps is 2/3 (d + 1)²), and so that the axes of
 * the hyperplane are of equal length.
 */
inline std::vector<float> lattice_scales(int dims) {
  std::vector<float> scales(dims);
  for (int i = 0; i < dims; ++i) scales[i] = std::sqrt(2.0f / 3.0f) * (dims + 1) / std::sqrt((i + 1.0f) * (i + 2.0f));
  return scales;
}

/** Finds the simplex of `feature` (dims numbers, deviation 1); Adams et al., §4.1. */
inline void find_simplex(const float* feature, const float* scales, int dims, Simplex& out) {
  float elevated[kMostDims + 1];  // in the hyperplane of d + 1 coordinates whose sum is 0
  float sum = 0.0f;
  for (int i = dims; i > 0; --i) {
    const float scaled = feature[i - 1] * scales[i - 1];
    elevated[i] = sum - i * scaled;
    sum += scaled;
  }
  elevated[0] = sum;
  // The nearest vertex of remainder 0, perhaps off the hyperplane by a few whole steps
  int total = 0;
  float rest[kMostDims + 1];
  for (int i = 0; i <= dims; ++i) {
    const float nearest = std::round(elevated[i] / (dims + 1));
    out.cell[i] = static_cast<int32_t>(nearest);
    rest[i] = elevated[i] - nearest * (dims + 1);
    total += out.cell[i];
    out.rank[i] = 0;
  }
  for (int i = 0; i < dims; ++i)
    for (int j = i + 1; j <= dims; ++j) ++out.rank[rest[i] < rest[j] ? i : j];
  // Back onto it, by stepping along the coordinates with the greatest rest (or the least)
  for (int i = 0; i <= dims; ++i) {
    out.rank[i] += total;
    const int step = out.rank[i] < 0 ? 1 : out.rank[i] > dims ? -1 : 0;
    out.rank[i] += step * (dims + 1);
    out.cell[i] += step;
    rest[i] -= static_cast<float>(step * (dims + 1));
  }
  std::fill(out.weight, out.weight + dims + 2, 0.0f);
  for (int i = 0; i <= dims; ++i) {
    const float share = rest[i] / (dims + 1);
    out.weight[dims - out.rank[i]] += share;
    out.weight[dims + 1 - out.rank[i]] -= share;
  }
  out.weight[0] += 1.0f + out.weight[dims + 1];
}

}  // namespace adsam
