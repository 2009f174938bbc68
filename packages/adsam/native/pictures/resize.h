#pragma once

#include <cstdint>

namespace adsam {

/** Fractional bits of a weight: 32 less 8 for the sample and 2 for sign and headroom. */
constexpr int kWeightBits = 22;

/** For each output place: the first input place, how many are weighed, and their weights (`width` of them stored). */
struct Taps {
  const int32_t* first;
  const int32_t* count;
  const int32_t* weights;
  int64_t width;
};

/** [height, from_width, 3] → [height, to_width, 3]; `taps` of to_width places within from_width. */
void resize_rows(const uint8_t* data, int64_t height, int64_t from_width, int64_t to_width, const Taps& taps,
                 uint8_t* out);

/** [from_height, row_bytes] → [to_height, row_bytes]; `taps` of to_height places within from_height. */
void resize_columns(const uint8_t* data, int64_t row_bytes, int64_t to_height, const Taps& taps, uint8_t* out);

/** out[y, x] = data[rows[y], columns[x]], data [., from_width]. */
void pick(const uint8_t* data, int64_t from_width, const int32_t* rows, int64_t height, const int32_t* columns,
          int64_t width, uint8_t* out);

}  // namespace adsam
