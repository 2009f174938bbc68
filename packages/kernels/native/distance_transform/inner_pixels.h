#pragma once

#include <cstdint>

namespace adsam {

/**
 * One row of labels: `inner` receives 1 where the neighbours above, below, left and right carry the same label, 0 beside
 * another. What lies outside the picture differs from nothing.
 * @param above the row above, the row itself at the picture's top; `below` alike
 */
void inner_pixels(const uint8_t* row, const uint8_t* above, const uint8_t* below, int64_t width, uint8_t* inner);
void inner_pixels(const int64_t* row, const int64_t* above, const int64_t* below, int64_t width, uint8_t* inner);

}  // namespace adsam
