#include "lovasz/ranking.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

namespace adsam {
namespace {

constexpr int kDigitBits = 11, kDigits = 3;
constexpr uint32_t kBuckets = 1u << kDigitBits;

/** Bits of a float that is not negative grow with it (NaN above infinity); inverted, the greatest come first. */
inline uint32_t descending_key(float error) {
  uint32_t bits;
  std::memcpy(&bits, &error, sizeof bits);
  return ~bits;
}

inline uint32_t digit(uint32_t key, int i) { return key >> (i * kDigitBits) & (kBuckets - 1); }

}  // namespace

/** Radix sort, three digits of eleven bits, lowest first; a digit that all pixels share costs nothing. */
template <>
void rank_by_error(std::vector<RankedPixel<float>>& pixels, std::vector<RankedPixel<float>>& scratch) {
  scratch.resize(pixels.size());
  std::array<std::vector<uint32_t>, kDigits> counts;
  for (auto& count : counts) count.assign(kBuckets, 0);
  for (const auto& pixel : pixels) {
    const uint32_t key = descending_key(pixel.error);
    for (int i = 0; i < kDigits; ++i) ++counts[i][digit(key, i)];
  }
  for (int i = 0; i < kDigits; ++i) {
    auto& count = counts[i];
    if (pixels.empty() || count[digit(descending_key(pixels[0].error), i)] == pixels.size()) continue;
    uint32_t start = 0;
    for (auto& bucket : count) start += std::exchange(bucket, start);
    for (const auto& pixel : pixels) scratch[count[digit(descending_key(pixel.error), i)]++] = pixel;
    pixels.swap(scratch);
  }
}

template <>
void rank_by_error(std::vector<RankedPixel<double>>& pixels, std::vector<RankedPixel<double>>&) {
  std::stable_sort(pixels.begin(), pixels.end(), [](const auto& a, const auto& b) {
    return std::isnan(a.error) ? !std::isnan(b.error) : a.error > b.error;
  });
}

}  // namespace adsam
