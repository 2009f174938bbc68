#include "pictures/resize.h"

#include <algorithm>
#include <cstring>

#include "common/cpu_clones.h"

namespace adsam {
namespace {

constexpr int32_t kHalf = 1 << (kWeightBits - 1);

ADSAM_INLINE uint8_t rounded(int32_t sum) { return std::clamp(sum >> kWeightBits, 0, 255); }

/** A pixel of each of four rows: red, green, blue and, unused, the byte after them. */
constexpr int kRows = 4;
using Sums = int32_t __attribute__((vector_size(16 * kRows)));
using Halves = int16_t __attribute__((vector_size(8 * kRows)));
using Bytes = uint8_t __attribute__((vector_size(4 * kRows)));
using Words = uint32_t __attribute__((vector_size(4 * kRows)));

ADSAM_INLINE Sums load(const uint8_t* const (&rows)[kRows], int64_t at) {
  Words words;
  for (int r = 0; r < kRows; ++r) {
    uint32_t word;
    std::memcpy(&word, rows[r] + at, 4);
    words[r] = word;
  }
  // In two steps: GCC widens by instructions only from one size to the next.
  return __builtin_convertvector(__builtin_convertvector(reinterpret_cast<Bytes>(words), Halves), Sums);
}

/** The output places before the first that weighs the last input place: up to there, four bytes a pixel can be read. */
int64_t places_before_the_edge(const Taps& taps, int64_t to, int64_t from) {
  int64_t place = 0;
  while (place < to && taps.first[place] + taps.count[place] < from) ++place;
  return place;
}

}  // namespace

ADSAM_CPU_CLONES void resize_rows(const uint8_t* data, int64_t height, int64_t from_width, int64_t to_width,
                                  const Taps& taps, uint8_t* out) {
  const int64_t inner = std::min(places_before_the_edge(taps, to_width, from_width), to_width - 1);
  for (int64_t y = 0; y < height; y += kRows) {
    const uint8_t* from[kRows];
    uint8_t* to[kRows];
    for (int r = 0; r < kRows; ++r) {  // beyond the last row it is done again
      const int64_t row = std::min(y + r, height - 1);
      from[r] = data + row * from_width * 3;
      to[r] = out + row * to_width * 3;
    }
    for (int64_t x = 0; x < inner; ++x) {
      const int32_t* weights = taps.weights + x * taps.width;
      Sums sum = kHalf - Sums{};
      for (int32_t t = 0; t < taps.count[x]; ++t) sum += load(from, 3 * (taps.first[x] + t)) * weights[t];
      // Weights are at least 0 and add up to 1, give or take a few units in 2^22: only 255 can be passed.
      sum >>= kWeightBits;
      const auto bytes = __builtin_convertvector(sum > 255 ? 255 - Sums{} : sum, Bytes);
      for (int r = 0; r < kRows; ++r)  // the fourth byte is the next pixel's, written next
        std::memcpy(to[r] + 3 * x, reinterpret_cast<const uint8_t*>(&bytes) + 4 * r, 4);
    }
    for (int64_t x = inner; x < to_width; ++x)
      for (int r = 0; r < kRows; ++r)
        for (int c = 0; c < 3; ++c) {
          int32_t sum = kHalf;
          for (int32_t t = 0; t < taps.count[x]; ++t)
            sum += from[r][(taps.first[x] + t) * 3 + c] * taps.weights[x * taps.width + t];
          to[r][3 * x + c] = rounded(sum);
        }
  }
}

ADSAM_CPU_CLONES void resize_columns(const uint8_t* data, int64_t row_bytes, int64_t to_height, const Taps& taps,
                                     uint8_t* out) {
  constexpr int64_t kBlock = 1024;  // sums that stay in the first cache
  int32_t sums[kBlock];
  for (int64_t y = 0; y < to_height; ++y) {
    const int32_t* weights = taps.weights + y * taps.width;
    for (int64_t begin = 0; begin < row_bytes; begin += kBlock) {
      const int64_t size = std::min(kBlock, row_bytes - begin);
      std::fill_n(sums, size, kHalf);
      for (int32_t t = 0; t < taps.count[y]; ++t) {
        const uint8_t* row = data + (taps.first[y] + t) * row_bytes + begin;
        const int32_t weight = weights[t];
        for (int64_t i = 0; i < size; ++i) sums[i] += row[i] * weight;
      }
      uint8_t* to = out + y * row_bytes + begin;
      for (int64_t i = 0; i < size; ++i) to[i] = rounded(sums[i]);
    }
  }
}

void pick(const uint8_t* data, int64_t from_width, const int32_t* rows, int64_t height, const int32_t* columns,
          int64_t width, uint8_t* out) {
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* row = data + rows[y] * from_width;
    uint8_t* to = out + y * width;
    if (y > 0 && rows[y] == rows[y - 1])
      std::memcpy(to, to - width, width);
    else
      for (int64_t x = 0; x < width; ++x) to[x] = row[columns[x]];
  }
}

}  // namespace adsam
