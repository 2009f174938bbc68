#pragma once

#include <cstdint>

namespace adsam {

/**
 * Bytes to the network's numbers: [area, 3] → [3, area].
 * @param table [3, 256], the number of each byte in each channel
 */
void spread(const uint8_t* data, int64_t area, const float* table, float* out);

/** [height, width, channels] with left and right exchanged; channels 1 or 3. Not in place. */
void mirror(const uint8_t* data, int64_t height, int64_t width, int64_t channels, uint8_t* out);

/**
 * out[i] = table[ids[i]].
 * @return whether no entry taken was `refused`
 */
bool look_up(const uint8_t* ids, int64_t count, const uint8_t* table, uint8_t refused, uint8_t* out);

}  // namespace adsam
