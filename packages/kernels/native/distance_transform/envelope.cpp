#include "distance_transform/envelope.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/on_cpu.h"

namespace adsam {

namespace {

ADSAM_INLINE void column_distances_body(const uint8_t* mask, int64_t height, int64_t width, int64_t begin, int64_t end,
                                        float* distances) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (int64_t y = 0; y < height; ++y) {  // down: the nearest zero above
    const uint8_t* row = mask + y * width;
    float* out = distances + y * width;
    const float* above = out - width;
    if (y == 0)
      for (int64_t x = begin; x < end; ++x) out[x] = row[x] ? infinity : 0.0f;
    else
      for (int64_t x = begin; x < end; ++x) out[x] = row[x] ? above[x] + 1.0f : 0.0f;
  }
  for (int64_t y = height - 2; y >= 0; --y) {  // up: or the nearest below
    float* out = distances + y * width;
    const float* below = out + width;
    for (int64_t x = begin; x < end; ++x) out[x] = std::min(out[x], below[x] + 1.0f);
  }
}

}  // namespace

void column_distances(const uint8_t* mask, int64_t height, int64_t width, int64_t begin, int64_t end,
                      float* distances) {
  on_cpu<column_distances_body>(mask, height, width, begin, end, distances);
}

namespace {

/** A parabola of the lower envelope: the squared distance to the zero nearest in column `x`, and where it begins to be
 * the lowest. */
struct Parabola {
  int64_t x;
  int64_t squared;  // of the column's distance
  int64_t from;     // first pixel of the row at which no earlier parabola is lower
};

/** The first whole x at which parabola b (further right) is lower than a: floor of their crossing, plus one. */
inline int64_t first_below(const Parabola& a, int64_t x, int64_t squared) {
  const int64_t numerator = (x * x + squared) - (a.x * a.x + a.squared), denominator = 2 * (x - a.x);
  const int64_t quotient = numerator / denominator;
  return (numerator % denominator < 0 ? quotient - 1 : quotient) + 1;
}

}  // namespace

int64_t row_scratch_bytes(int64_t width) { return width * static_cast<int64_t>(sizeof(Parabola)); }

namespace {

/**
 * The lower envelope of the parabolas over one row of column distances; calls emit(x, squared distance) for its pixels.
 * @returns false where no column has a zero: nothing is emitted
 */
template <typename Emit>
bool walk_envelope(const float* row, int64_t width, Parabola* envelope, const Emit& emit) {
  int64_t count = 0;
  for (int64_t x = 0; x < width; ++x) {
    if (!(row[x] < std::numeric_limits<float>::infinity())) continue;  // a column without a zero has no parabola
    const auto distance = static_cast<int64_t>(row[x]);
    const int64_t squared = distance * distance;
    int64_t from = 0;
    while (count > 0) {
      from = first_below(envelope[count - 1], x, squared);
      if (from > envelope[count - 1].from) break;
      --count;  // the new one is lower wherever the last was the lowest
      from = 0;
    }
    if (from < width) envelope[count++] = {x, squared, from};
  }
  for (int64_t i = 0; i < count; ++i) {
    const Parabola& p = envelope[i];
    const int64_t end = i + 1 < count ? envelope[i + 1].from : width;
    for (int64_t x = p.from; x < end; ++x) emit(x, (x - p.x) * (x - p.x) + p.squared);
  }
  return count > 0;
}

}  // namespace

void row_distances(float* row, int64_t width, void* scratch) {
  walk_envelope(row, width, static_cast<Parabola*>(scratch), [row](int64_t x, int64_t squared) {
    row[x] = static_cast<float>(std::sqrt(static_cast<double>(squared)));
  });
}

void row_squares(const float* row, int64_t width, void* scratch, int32_t* squares) {
  const bool any = walk_envelope(row, width, static_cast<Parabola*>(scratch), [squares](int64_t x, int64_t squared) {
    squares[x] = static_cast<int32_t>(squared);
  });
  if (!any) std::fill_n(squares, width, 0);
}

}  // namespace adsam
