#pragma once

#include <cstdint>

/**
 * The two passes of an exact Euclidean distance transform (Meijster, Roerdink & Hesselink 2000; Felzenszwalb &
 * Huttenlocher 2012). Work is linear in the pixels; distances are whole numbers until the last square root, so nothing
 * is lost for pictures up to 2^24 pixels high.
 */
namespace adsam {

/**
 * First pass, columns [begin, end) of one picture: distances [H, W] receives the distance to the nearest zero of `mask`
 * in the same column, infinity where the column has none.
 */
void column_distances(const uint8_t* mask, int64_t height, int64_t width, int64_t begin, int64_t end, float* distances);

/** Bytes of scratch one thread of row_distances needs. */
int64_t row_scratch_bytes(int64_t width);

/** Second pass, one row in place: column distances in, Euclidean distances out. */
void row_distances(float* row, int64_t width, void* scratch);

/** The same with squared distances out, 0 where the picture has no zero. */
void row_squares(const float* row, int64_t width, void* scratch, int32_t* squares);

}  // namespace adsam
