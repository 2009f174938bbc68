#include "label_map/rows.h"

#include <algorithm>
#include <cstring>

#include "common/on_cpu.h"
#include "common/vector.h"

namespace adsam {

Between places_between(int64_t from, int64_t to) {
  Between places;
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  for (int64_t i = 0; i < to; ++i) {
    const float at = std::max(0.0f, scale * (static_cast<float>(i) + 0.5f) - 0.5f);
    const auto first = std::min<int64_t>(static_cast<int64_t>(at), from - 1);
    const float share = std::min(std::max(at - static_cast<float>(first), 0.0f), 1.0f);
    places.first.push_back(static_cast<int32_t>(first));
    places.second.push_back(static_cast<int32_t>(std::min(first + 1, from - 1)));
    places.first_share.push_back(1.0f - share);
    places.second_share.push_back(share);
  }
  return places;
}

namespace {

using Floats = Vector<float, 4 * kPixelBlock>::Type;
using Ints = Vector<int32_t, 4 * kPixelBlock>::Type;
using Bytes = Vector<uint8_t, kPixelBlock>::Type;

template <class Vector, class Element>
ADSAM_INLINE Vector load(const Element* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

ADSAM_INLINE void enlarge_row_body(const float* row, int64_t from_width, const Between& places, int64_t width,
                                   float* out) {
  const int32_t *first = places.first.data(), *second = places.second.data();
  const float *first_share = places.first_share.data(), *second_share = places.second_share.data();
  int64_t x = 0;
  // Where a block of output lies within one vector of input, it is permuted out of registers instead of gathered.
  for (; x + kPixelBlock <= width; x += kPixelBlock) {
    const int32_t base = first[x];
    if (second[x + kPixelBlock - 1] - base >= 2 * kPixelBlock || base + 2 * kPixelBlock > from_width) break;
    const Floats left = load<Floats>(row + base), right = load<Floats>(row + base + kPixelBlock);
    const Floats a = __builtin_shuffle(left, right, load<Ints>(first + x) - base);
    const Floats b = __builtin_shuffle(left, right, load<Ints>(second + x) - base);
    const Floats blend = a * load<Floats>(first_share + x) + b * load<Floats>(second_share + x);
    std::memcpy(out + x, &blend, sizeof blend);
  }
  for (; x < width; ++x) out[x] = row[first[x]] * first_share[x] + row[second[x]] * second_share[x];
}

}  // namespace

void enlarge_row(const float* row, int64_t from_width, const Between& places, int64_t width, float* out) {
  on_cpu<enlarge_row_body>(row, from_width, places, width, out);
}

namespace {

ADSAM_INLINE void best_class_body(const float* upper, const float* lower, float upper_share, float lower_share,
                                  int64_t classes, int64_t stride, int64_t width, uint8_t* out) {
  const bool blended = upper != lower;
  for (int64_t x = 0; x < width; x += kPixelBlock) {
    Floats best;
    Ints ids{};
    for (int64_t c = 0; c < classes; ++c) {
      Floats value = load<Floats>(upper + c * stride + x);
      if (blended) value = value * upper_share + load<Floats>(lower + c * stride + x) * lower_share;
      if (c == 0) {
        best = value;
        continue;
      }
      const Ints greater = value > best;
      best = greater ? value : best;
      ids = greater ? Ints{} + static_cast<int32_t>(c) : ids;
    }
    const auto bytes = __builtin_convertvector(ids, Bytes);
    std::memcpy(out + x, &bytes, static_cast<size_t>(std::min(kPixelBlock, width - x)));
  }
}

}  // namespace

void best_class(const float* upper, const float* lower, float upper_share, float lower_share, int64_t classes,
                int64_t stride, int64_t width, uint8_t* out) {
  on_cpu<best_class_body>(upper, lower, upper_share, lower_share, classes, stride, width, out);
}

}  // namespace adsam
