#include "hybrid_loss/pixel_terms.h"

#include <algorithm>
#include <cmath>

#include "common/on_cpu.h"

namespace adsam {
namespace {

/** The factor of each pixel's class; 0 where ignored. */
template <typename T>
ADSAM_INLINE void read_factors(const PixelTerms<T>& terms, const Tile<T>& tile, T* __restrict factor) {
  for (int64_t i = 0; i < tile.count; ++i) {
    const T of_class = terms.factors[std::max<int64_t>(tile.labels[i], 0)];
    factor[i] = tile.labels[i] < 0 ? 0 : of_class;
  }
}

/** (1 − p)^γ. The floor keeps the slope finite where γ < 1 and p = 1. */
template <typename T>
ADSAM_INLINE void focus_of(const PixelTerms<T>& terms, const Tile<T>& tile, T* __restrict focus) {
  if (terms.gamma == 2)
    for (int64_t i = 0; i < tile.count; ++i) focus[i] = tile.miss[i] * tile.miss[i];
  else
    for (int64_t i = 0; i < tile.count; ++i) focus[i] = std::pow(std::max(tile.miss[i], T(1e-12)), terms.gamma);
}

template <typename T>
ADSAM_INLINE void add_body(const PixelTerms<T>& terms, const Tile<T>& tile, PixelSums& sums, double* overlap) {
  T factor[kTilePixels], focus[kTilePixels];
  read_factors(terms, tile, factor);
  if (terms.focal) {
    focus_of(terms, tile, focus);
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < tile.count; ++i) sum += tile.labels[i] < 0 ? 0 : factor[i] * focus[i] * tile.log_p[i];
    sums.focal -= terms.alpha * sum;
  }
  if (terms.cross_entropy) {
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < tile.count; ++i) sum += tile.labels[i] < 0 ? 0 : factor[i] * tile.log_p[i];
    sums.cross_entropy -= sum;
  }
  if (terms.surface) {
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < tile.count; ++i)
      sum += tile.labels[i] < 0 ? 0 : tile.miss[i] * static_cast<T>(tile.distances[i]);
    sums.surface += 2 * sum;
  }
  for (int64_t i = 0; i < tile.count; ++i)
    if (tile.labels[i] >= 0) overlap[tile.labels[i]] += tile.p[i];
}

template <typename T>
ADSAM_INLINE void differentiate_body(const PixelTerms<T>& terms, const PixelShares<T>& shares, const Tile<T>& tile,
                                     T* __restrict by_log) {
  T factor[kTilePixels], focus[kTilePixels];
  read_factors(terms, tile, factor);
  const T* overlap = shares.overlap.data();
  for (int64_t i = 0; i < tile.count; ++i)
    by_log[i] = overlap[std::max<int64_t>(tile.labels[i], 0)] * tile.p[i] - shares.cross_entropy * factor[i];
  if (terms.focal) {
    focus_of(terms, tile, focus);
    const T share = shares.focal * terms.alpha;
    for (int64_t i = 0; i < tile.count; ++i) {
      // d/d(log p) of (1 − p)^γ log p; below the floor the first factor is constant
      const T moving = terms.gamma * tile.p[i] * tile.log_p[i] * (focus[i] / std::max(tile.miss[i], T(1e-12)));
      by_log[i] -= share * factor[i] * (focus[i] - (tile.miss[i] < T(1e-12) ? 0 : moving));
    }
  }
  if (terms.surface)
    for (int64_t i = 0; i < tile.count; ++i)
      by_log[i] -= shares.surface * 2 * static_cast<T>(tile.distances[i]) * tile.p[i];
  for (int64_t i = 0; i < tile.count; ++i) by_log[i] = tile.labels[i] < 0 ? 0 : by_log[i];
}

}  // namespace

PixelSums& PixelSums::operator+=(const PixelSums& other) {
  focal += other.focal;
  cross_entropy += other.cross_entropy;
  surface += other.surface;
  return *this;
}

template <typename T>
PixelTerms<T>::PixelTerms(const HybridSettings& settings, int64_t classes)
    : alpha(settings.focal_alpha),
      gamma(settings.focal_gamma),
      focal(settings.weights[kFocal] != 0),
      cross_entropy(settings.weights[kCrossEntropy] != 0),
      surface(settings.weights[kSurface] != 0),
      factors(settings.class_weights.begin(), settings.class_weights.end()) {
  if (factors.empty()) factors.assign(classes, 1);
}

template struct PixelTerms<float>;
template struct PixelTerms<double>;

void add_pixels(const PixelTerms<float>& terms, const Tile<float>& tile, PixelSums& sums,
                double* overlap) {
  on_cpu<add_body<float>>(terms, tile, sums, overlap);
}
void add_pixels(const PixelTerms<double>& terms, const Tile<double>& tile, PixelSums& sums, double* overlap) {
  add_body(terms, tile, sums, overlap);
}

void differentiate_pixels(const PixelTerms<float>& terms, const PixelShares<float>& shares,
                          const Tile<float>& tile, float* by_log) {
  on_cpu<differentiate_body<float>>(terms, shares, tile, by_log);
}
void differentiate_pixels(const PixelTerms<double>& terms, const PixelShares<double>& shares, const Tile<double>& tile,
                          double* by_log) {
  differentiate_body(terms, shares, tile, by_log);
}

}  // namespace adsam
