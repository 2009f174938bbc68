#pragma once

#include <cstdint>

#include "lovasz/class_plane.h"

/**
 * Pixels of one class packed for sorting: 31 bits of order (0 for the greatest error), one bit that says whether the
 * error grows with the probability, one that says whether the label is the class, 31 bits of index within the unit.
 * A float's bits grow with it where it is not negative (NaN above infinity), so the order is exact: greatest − bits.
 */
namespace adsam {

/** Bits of errors. Below the least of the class's own the Jaccard loss grows no more: such pixels weigh nothing. */
struct ErrorRange {
  int32_t least_of_class = INT32_MAX, greatest = 0;
};

namespace ranked_pixel {
constexpr int kOrderShift = 33;
constexpr uint64_t kGrows = uint64_t{1} << 32, kOfClass = uint64_t{1} << 31, kIndex = kOfClass - 1;
}  // namespace ranked_pixel

/** The range of the errors |[label = class] − p| of `count` pixels, joined with `range`. */
ErrorRange error_range(const float* probabilities, const int16_t* labels, int64_t count, int16_t label,
                       ErrorRange range);

/** A histogram over the leading bits of the order: pixels in the low half of each counter, those of the class in the
 * high half. */
struct BucketCounts {
  int shift;  // order >> shift is the bucket
  uint64_t* counts;
};

/**
 * Appends to `ranked` the pixels whose error is in `range` and counts them. Pixels are numbered from `first`; `slopes`,
 * unless null, receives zeros.
 * @returns how many were appended
 */
int64_t collect_errors(const float* probabilities, const int16_t* labels, int64_t count, int16_t label, int64_t first,
                       ErrorRange range, float* slopes, uint64_t* ranked, const BucketCounts& buckets);

/** Copies each pixel to the next place of its bucket; what shares a bucket keeps its order. */
void distribute(const uint64_t* ranked, int64_t count, int shift, uint32_t* cursors, uint64_t* distributed);

/**
 * Sorts by order, of which only the lowest `bits` may differ; equal ones keep their places.
 * @param scratch room for as many
 * @returns where the sorted ones are: `ranked` or `scratch`
 */
uint64_t* sort_bucket(uint64_t* ranked, int64_t count, int bits, uint64_t* scratch);

/**
 * Walks pixels in order from `state` on.
 * @param plane receives share · slope of each pixel, unless it has no slopes
 * @returns their part of the class's loss, before its share
 */
double walk_ranking(const uint64_t* ranked, int64_t count, JaccardState state, int32_t greatest,
                    const ClassPlane<float>& plane);

}  // namespace adsam
