#pragma once

#include "hybrid_loss/hybrid_loss.h"
#include "hybrid_loss/tile.h"

/** The terms that look at a pixel's own class alone: focal, surface, cross-entropy, and Dice's overlap. */
namespace adsam {

/** Sums over pixels that count. */
struct PixelSums {
  double focal = 0;          // Σ w −α (1 − p)^γ log p
  double cross_entropy = 0;  // Σ w −log p
  double surface = 0;        // Σ 2 (1 − p) d
  PixelSums& operator+=(const PixelSums& other);
};

/** What each of the sums, and Dice's overlap of a class, is worth in the loss. */
template <typename T>
struct PixelShares {
  T focal, cross_entropy, surface;
  std::vector<T> overlap;  // [C]
};

/** Settings in the type computed with, and the factor of each class, ones where none are given. */
template <typename T>
struct PixelTerms {
  PixelTerms(const HybridSettings& settings, int64_t classes);

  T alpha, gamma;
  bool focal, cross_entropy, surface;  // which are wanted
  std::vector<T> factors;
};

/** Adds the tile's pixels to the sums, and each pixel's p to the `overlap` of its class. */
void add_pixels(const PixelTerms<float>& terms, const Tile<float>& tile, PixelSums& sums, double* overlap);
void add_pixels(const PixelTerms<double>& terms, const Tile<double>& tile, PixelSums& sums, double* overlap);

/** The derivative of the loss by log p of each pixel of the tile, 0 where ignored. */
void differentiate_pixels(const PixelTerms<float>& terms, const PixelShares<float>& shares, const Tile<float>& tile,
                          float* by_log);
void differentiate_pixels(const PixelTerms<double>& terms, const PixelShares<double>& shares, const Tile<double>& tile,
                          double* by_log);

}  // namespace adsam
