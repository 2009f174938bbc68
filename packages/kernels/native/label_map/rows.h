#pragma once

#include <cstdint>
#include <vector>

namespace adsam {

/** For each output place along one axis: the two input places it lies between, and the share of each. */
struct Between {
  std::vector<int32_t> first, second;
  std::vector<float> first_share, second_share;
};

/** ATen's places for bilinear interpolation without aligned corners, in float32 as it computes them. */
Between places_between(int64_t from, int64_t to);

/** One row of one class, enlarged: out[x] = the blend of `row` at place x. `out` has room for whole blocks. */
void enlarge_row(const float* row, int64_t from_width, const Between& places, int64_t width, float* out);

/** Pixels worked on at once; rows of scratch are padded to a multiple. */
constexpr int64_t kPixelBlock = 16;

/**
 * The class whose blend of two rows is greatest, the first of equals: out[x] = argmax over c of
 * upper[c][x] · upper_share + lower[c][x] · lower_share.
 * @param upper, lower classes rows, `stride` floats apart; the same pointer twice where there is nothing to blend
 */
void best_class(const float* upper, const float* lower, float upper_share, float lower_share, int64_t classes,
                int64_t stride, int64_t width, uint8_t* out);

}  // namespace adsam
