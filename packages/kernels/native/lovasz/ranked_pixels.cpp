#include "lovasz/ranked_pixels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "common/on_cpu.h"

namespace adsam {
namespace {

using namespace ranked_pixel;

constexpr int64_t kRun = 256;  // pixels whose intermediate numbers stay in the first cache

ADSAM_INLINE int32_t bits_of(float error) {
  int32_t bits;
  std::memcpy(&bits, &error, sizeof bits);
  return bits;
}

ADSAM_INLINE float error_of(int32_t bits) {
  float error;
  std::memcpy(&error, &bits, sizeof error);
  return error;
}

inline uint64_t order_of(uint64_t pixel) { return pixel >> kOrderShift; }

ADSAM_INLINE ErrorRange error_range_body(const float* probabilities, const int16_t* labels, int64_t count,
                                         int16_t label, ErrorRange range) {
  int32_t least = range.least_of_class, greatest = range.greatest;
#pragma omp simd reduction(min : least) reduction(max : greatest)
  for (int64_t i = 0; i < count; ++i) {
    const bool of_class = labels[i] == label;
    const int32_t error = bits_of(std::abs((of_class ? 1.0f : 0.0f) - probabilities[i]));
    least = std::min(least, of_class ? error : INT32_MAX);
    greatest = std::max(greatest, labels[i] < 0 ? 0 : error);
  }
  return {least, greatest};
}

}  // namespace

ErrorRange error_range(const float* probabilities, const int16_t* labels, int64_t count, int16_t label,
                       ErrorRange range) {
  return on_cpu<error_range_body>(probabilities, labels, count, label, range);
}

namespace {

ADSAM_INLINE int64_t collect_errors_body(const float* probabilities, const int16_t* labels, int64_t count,
                                         int16_t label, int64_t first, ErrorRange range, float* slopes,
                                         uint64_t* ranked, const BucketCounts& buckets) {
  uint32_t order_and_slope[kRun], tag[kRun];
  int32_t wanted[kRun];
  int64_t total = 0;
  for (int64_t begin = 0; begin < count; begin += kRun) {
    const int64_t run = std::min(kRun, count - begin);
    const float* p = probabilities + begin;
    const int16_t* of = labels + begin;
    const auto number = static_cast<uint32_t>(first + begin);
    int32_t wanted_here = 0;
#pragma omp simd reduction(+ : wanted_here)
    for (int64_t i = 0; i < run; ++i) {
      const bool of_class = of[i] == label;
      const float truth = of_class ? 1.0f : 0.0f;
      const int32_t error = bits_of(std::abs(truth - p[i]));
      order_and_slope[i] = static_cast<uint32_t>(range.greatest - error) << 1 | static_cast<uint32_t>(p[i] > truth);
      tag[i] = (of_class ? uint32_t{1} << 31 : 0) | (number + static_cast<uint32_t>(i));
      wanted[i] = (of[i] >= 0) & (error >= range.least_of_class);
      wanted_here += wanted[i];
    }
    if (slopes) std::fill_n(slopes + begin, run, 0.0f);
    if (wanted_here == 0) continue;
    for (int64_t i = 0, next = total; i < run; ++i) {  // always writes, and moves on where the pixel counts
      ranked[next] = static_cast<uint64_t>(order_and_slope[i]) << 32 | tag[i];
      next += wanted[i];
    }
    for (const int64_t end = total + wanted_here; total < end; ++total)
      buckets.counts[order_of(ranked[total]) >> buckets.shift] += 1 + ((ranked[total] & kOfClass) << 1);
  }
  return total;
}

}  // namespace

int64_t collect_errors(const float* probabilities, const int16_t* labels, int64_t count, int16_t label, int64_t first,
                       ErrorRange range, float* slopes, uint64_t* ranked, const BucketCounts& buckets) {
  return on_cpu<collect_errors_body>(probabilities, labels, count, label, first, range, slopes, ranked, buckets);
}

namespace {

ADSAM_INLINE void distribute_body(const uint64_t* ranked, int64_t count, int shift, uint32_t* cursors,
                                  uint64_t* distributed) {
  const int drop = kOrderShift + shift;
  for (int64_t i = 0; i < count; ++i) distributed[cursors[ranked[i] >> drop]++] = ranked[i];
}

}  // namespace

void distribute(const uint64_t* ranked, int64_t count, int shift, uint32_t* cursors, uint64_t* distributed) {
  on_cpu<distribute_body>(ranked, count, shift, cursors, distributed);
}

namespace {

void insertion_sort(uint64_t* ranked, int64_t count) {
  for (int64_t i = 1; i < count; ++i) {
    const uint64_t pixel = ranked[i];
    int64_t place = i;
    for (; place > 0 && order_of(ranked[place - 1]) > order_of(pixel); --place) ranked[place] = ranked[place - 1];
    ranked[place] = pixel;
  }
}

/** A radix sort from the lowest digit up; the counts of all digits are taken at once. */
ADSAM_INLINE uint64_t* sort_bucket_body(uint64_t* ranked, int64_t count, int bits, uint64_t* scratch) {
  constexpr int most_width = 11, most_digits = 4;
  if (bits == 0) return ranked;
  if (count <= 24) {
    insertion_sort(ranked, count);
    return ranked;
  }
  const int widest = count < 4096 ? 9 : most_width;  // a few hundred pixels are not worth thousands of counters
  const int digits = (bits + widest - 1) / widest, width = (bits + digits - 1) / digits;
  const uint64_t slots = uint64_t{1} << width, mask = slots - 1;
  std::array<std::array<uint32_t, 1 << most_width>, most_digits> places;
  for (int digit = 0; digit < digits; ++digit) std::fill_n(places[digit].begin(), slots, 0);
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t order = order_of(ranked[i]);
    for (int digit = 0; digit < digits; ++digit) ++places[digit][order >> (digit * width) & mask];
  }
  for (int digit = 0; digit < digits; ++digit) {
    auto& place = places[digit];
    uint32_t start = 0;
    for (uint64_t i = 0; i < slots; ++i) start += std::exchange(place[i], start);
    const int drop = kOrderShift + digit * width;
    for (int64_t i = 0; i < count; ++i) scratch[place[ranked[i] >> drop & mask]++] = ranked[i];
    std::swap(ranked, scratch);
  }
  return ranked;
}

}  // namespace

uint64_t* sort_bucket(uint64_t* ranked, int64_t count, int bits, uint64_t* scratch) {
  return on_cpu<sort_bucket_body>(ranked, count, bits, scratch);
}

namespace {

/** Not a clone: vector code would take its vectors apart again to store their elements. */
void scatter_slopes(const uint64_t* pixels, const float* slopes, int64_t count, const ClassPlane<float>& plane) {
  if (plane.pictures == 1)
    for (int64_t i = 0; i < count; ++i) plane.slopes[pixels[i] & kIndex] = slopes[i];
  else
    for (int64_t i = 0; i < count; ++i) plane.slopes[plane.place(pixels[i] & kIndex)] = slopes[i];
}

ADSAM_INLINE double walk_ranking_body(const uint64_t* ranked, int64_t count, JaccardState state, int32_t greatest,
                                      const ClassPlane<float>& plane) {
  int32_t class_before[kRun];
  float slopes[kRun];
  double loss = 0;
  const auto share = static_cast<float>(plane.share);
  int32_t before = 0;  // of the class, since the beginning
  for (int64_t begin = 0; begin < count; begin += kRun) {
    const int64_t run = std::min(kRun, count - begin);
    const uint64_t* pixels = ranked + begin;
    for (int64_t i = 0; i < run; ++i) {
      class_before[i] = before;
      before += static_cast<int32_t>(pixels[i] >> 31 & 1);
    }
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < run; ++i) {
      const auto high = static_cast<uint32_t>(pixels[i] >> 32);
      const int32_t others_before = static_cast<int32_t>(begin + i) - class_before[i];
      const float intersection = static_cast<float>(static_cast<int32_t>(state.intersection) - class_before[i]);
      const float reunion = static_cast<float>(static_cast<int32_t>(state.reunion) + others_before);
      const float error = error_of(greatest - static_cast<int32_t>(high >> 1));
      const float weight = jaccard_growth<float>((pixels[i] & kOfClass) != 0, intersection, reunion);
      sum += weight * error;
      const float slope = weight * share;
      slopes[i] = error == 0 ? 0.0f : (high & 1) ? slope : -slope;
    }
    loss += sum;
    if (plane.slopes) scatter_slopes(pixels, slopes, run, plane);
  }
  return loss;
}

}  // namespace

double walk_ranking(const uint64_t* ranked, int64_t count, JaccardState state, int32_t greatest,
                    const ClassPlane<float>& plane) {
  return on_cpu<walk_ranking_body>(ranked, count, state, greatest, plane);
}

}  // namespace adsam
