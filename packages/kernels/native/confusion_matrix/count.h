#pragma once

#include <cstdint>

namespace adsam {

/**
 * Counts pairs of bytes: counts[row_of[label[i]] + column_of[prediction[i]]] += 1. Both tables have 256 entries.
 * @param counts `tables` tables of `cells` counts each; which one counts a pair is of no meaning
 */
void count_pairs(const uint8_t* prediction, const uint8_t* label, int64_t count, const uint32_t* row_of,
                 const uint32_t* column_of, int64_t tables, int64_t cells, uint32_t* counts);

/** Whole numbers as bytes: 0 … classes - 1 as they are, `special` as `special_code`, all others as `other_code`. */
void encode_ids(const int64_t* ids, int64_t count, int64_t classes, int64_t special, int64_t special_code,
                int64_t other_code, uint8_t* out);

/** Pixels that one call may count, so that 32 bits hold them. */
constexpr int64_t kMostPairs = INT64_C(1) << 31;

}  // namespace adsam
