#include "max_pool/rows.h"

#include <type_traits>

#include "common/on_cpu.h"

namespace adsam {
namespace {

constexpr int kTaps = 9;

/** An integer as wide as T: comparing numbers then chooses between taps without a change of width. */
template <typename T>
using Index = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;

template <bool with_taps, typename T>
ADSAM_INLINE void pool_pixel(const T* const (&pixels)[kTaps], const Index<T> (&ids)[kTaps], int64_t channels, T* out,
                             uint8_t* taps) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    T most = pixels[0][c];
    Index<T> tap = ids[0];
    for (int k = 1; k < kTaps; ++k) {
      const T value = pixels[k][c];
      const bool wins = (value > most) | (value != value);
      most = wins ? value : most;
      if (with_taps) tap = wins ? ids[k] : tap;
    }
    out[c] = most;
    if (with_taps) taps[c] = static_cast<uint8_t>(tap);
  }
}

template <bool with_taps, typename T>
ADSAM_INLINE void pool_row_impl(const T* const rows[3], int64_t width, int64_t channels, T* out, uint8_t* taps) {
  for (int64_t x = 0; x < width; x += 2) {
    const T* pixels[kTaps];
    Index<T> ids[kTaps];
    int first = -1;  // a tap outside repeats the first one inside, which changes neither the greatest nor who has it
    for (int k = 0; k < kTaps; ++k) {
      const int64_t column = x + k % 3 - 1;
      const bool inside = rows[k / 3] && column >= 0 && column < width;
      if (inside && first < 0) first = k;
      pixels[k] = inside ? rows[k / 3] + column * channels : nullptr;
      ids[k] = k;
    }
    for (int k = 0; k < kTaps; ++k)
      if (!pixels[k]) pixels[k] = pixels[first], ids[k] = first;
    pool_pixel<with_taps>(pixels, ids, channels, out, taps);
    out += channels;
    if (with_taps) taps += channels;
  }
}

/** An output pixel that may have taken its number from an input pixel, as its tap `id`. */
template <typename T>
struct Taker {
  const T* gradient;
  const uint8_t* taps;
  Index<T> id;
};

template <int n, typename T>
ADSAM_INLINE void sum_takers(const Taker<T>* takers, int64_t channels, T* out) {
  Taker<T> t[n];
  for (int k = 0; k < n; ++k) t[k] = takers[k];
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    T sum = 0;
    for (int k = 0; k < n; ++k) sum += static_cast<Index<T>>(t[k].taps[c]) == t[k].id ? t[k].gradient[c] : T(0);
    out[c] = sum;
  }
}

template <typename T>
ADSAM_INLINE void unpool_row_impl(const PooledRows<T>& rows, int64_t width, int64_t channels, T* out) {
  const int64_t pooled = (width + 1) / 2;
  for (int64_t x = 0; x < width; ++x, out += channels) {
    Taker<T> takers[4];
    int count = 0;
    for (int row = 0; row < 2; ++row) {
      if (!rows.gradient[row]) continue;
      // Even columns are the middle of one output pixel, odd ones the right of one and the left of the next.
      for (int64_t column = x / 2; column <= (x + 1) / 2 && column < pooled; ++column)
        takers[count++] = {rows.gradient[row] + column * channels, rows.taps[row] + column * channels,
                           static_cast<Index<T>>(3 * rows.tap_row[row] + x - 2 * column + 1)};
    }
    switch (count) {
      case 1:
        sum_takers<1>(takers, channels, out);
        break;
      case 2:
        sum_takers<2>(takers, channels, out);
        break;
      default:
        sum_takers<4>(takers, channels, out);
    }
  }
}

}  // namespace

#define ADSAM_POOL(T)                                                                             \
  void pool_row(const T* const rows[3], int64_t width, int64_t channels, T* out, uint8_t* taps) { \
    if (taps)                                                                                     \
      on_cpu<pool_row_impl<true, T>>(rows, width, channels, out, taps);                           \
    else                                                                                          \
      on_cpu<pool_row_impl<false, T>>(rows, width, channels, out, taps);                          \
  }                                                                                               \
  void unpool_row(const PooledRows<T>& rows, int64_t width, int64_t channels, T* out) {           \
    on_cpu<unpool_row_impl<T>>(rows, width, channels, out);                                       \
  }

ADSAM_POOL(float)
ADSAM_POOL(double)

}  // namespace adsam
