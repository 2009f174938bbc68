#pragma once

#include <cstdint>

namespace adsam {

/**
 * Undoes PNG's row filters (PNG specification, third edition, clause 9): each byte was stored less a prediction from the
 * bytes of the pixels left (a), above (b) and above left (c).
 *
 * @param filtered height rows of 1 + row_bytes bytes, the filter's number (0…4) before each row
 * @param bytes_per_pixel 1, 3 or 4; row_bytes is a multiple of it
 * @param out height rows of row_bytes, not overlapping `filtered`
 * @return false for another number of bytes a pixel, or a row whose filter is none of the five; `out` is then undefined
 */
bool unfilter(const uint8_t* filtered, int64_t height, int64_t row_bytes, int64_t bytes_per_pixel, uint8_t* out);

}  // namespace adsam
