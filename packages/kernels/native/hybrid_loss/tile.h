#pragma once

#include <cstdint>
#include <vector>

#include "common/tensors.h"

/**
 * A few pixels with all their classes, small enough for the cache nearest to the core: everything the hybrid loss does
 * pixel by pixel happens on one of these.
 */
namespace adsam {

constexpr int64_t kTilePixels = 256;

/** Where an element [b, c, p] of a dense [B, C, H, W] tensor stands, p counting a picture's pixels row by row. */
struct PixelLayout {
  int64_t picture_stride, class_stride, pixel_stride;

  static PixelLayout contiguous(int64_t classes, int64_t pixels) { return {classes * pixels, pixels, 1}; }
  static PixelLayout channels_last(int64_t classes, int64_t pixels) { return {classes * pixels, 1, classes}; }
};

template <typename T>
struct Tile {
  explicit Tile(int64_t classes) : classes(classes), rows_(classes * kTilePixels) {}

  T* row(int64_t label) { return rows_.data() + label * kTilePixels; }
  const T* row(int64_t label) const { return rows_.data() + label * kTilePixels; }

  int64_t classes, count = 0;        // pixels here, at most kTilePixels
  const int16_t* labels = nullptr;   // CompactLabels::kIgnored where ignored
  const float* distances = nullptr;  // to the nearest boundary in pixels, or null
  // Of each pixel's own class, of class 0 where ignored:
  T p[kTilePixels], miss[kTilePixels], log_p[kTilePixels];  // the probability, one minus it, its logarithm
  T inverse_sum[kTilePixels];  // of the exponentials

 private:
  std::vector<T> rows_;  // [C, kTilePixels]: logits, then exponentials e^(z − max)
};

/** Fills the tile's rows with logits, of any floating dtype. */
void load_logits(const Tensor& logits, const PixelLayout& layout, int64_t picture, int64_t first, Tile<float>& tile);
void load_logits(const Tensor& logits, const PixelLayout& layout, int64_t picture, int64_t first, Tile<double>& tile);

/** Softmax: logits become exponentials, and the label's own class is read. */
void softmax(Tile<float>& tile);
void softmax(Tile<double>& tile);

/** Adds each class's probabilities over the pixels that count to `mass` [C], and unless `probabilities` is null writes
 * them there, plane by plane, `class_stride` apart. */
void spread_probabilities(const Tile<float>& tile, float* probabilities, int64_t class_stride, double* mass);
void spread_probabilities(const Tile<double>& tile, double* probabilities, int64_t class_stride, double* mass);

/** What the derivative of a loss by the probabilities is made of, beside the label's own: see chain. */
template <typename T>
struct Slopes {
  std::vector<T> everywhere;       // [C], of each pixel that counts
  std::vector<const T*> at_pixel;  // [C], of the tile's pixels one by one; null where there is none
};

/**
 * Softmax's derivative: with D_c = everywhere_c + at_pixel_c the slope by the probability of class c and l that by the
 * logarithm of the label's own probability,
 *
 *     dz_c = p_c (D_c − Σ_k p_k D_k − l) + [c = label] l,   0 where ignored.
 *
 * @param by_log l, [count], 0 where ignored
 * @param gradient the tile's first element; may be where `at_pixel` is read from
 */
void chain(const Tile<float>& tile, const Slopes<float>& slopes, const float* by_log, const PixelLayout& layout,
           float* gradient);
void chain(const Tile<double>& tile, const Slopes<double>& slopes, const double* by_log, const PixelLayout& layout,
           double* gradient);

}  // namespace adsam
