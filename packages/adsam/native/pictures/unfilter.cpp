#include "pictures/unfilter.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "common/cpu_clones.h"

namespace adsam {
namespace {

enum Filter : uint8_t { kNone, kSub, kUp, kAverage, kPaeth, kFilters };

/**
 * A pixel's prediction needs its left neighbour, so one row is a chain of a dozen dependent instructions a pixel. Rows
 * below may follow one pixel behind each other, though: a diagonal of pixels, one from each of several rows, has no
 * dependence inside. A vector holds such a diagonal: kRows pixels of kBytes bytes, widened to 16 bits.
 */
template <int kBytes>
struct Diagonal {
  static constexpr int kLanes = 16, kSlot = kBytes == 1 ? 1 : 4, kRows = kLanes / kSlot;
  using Lanes = int16_t __attribute__((vector_size(2 * kLanes)));
  using Bytes = uint8_t __attribute__((vector_size(kLanes)));

  /** One pixel of each row; reads kSlot bytes, one more than a pixel of three has. */
  static ADSAM_INLINE Lanes load(const uint8_t* const (&rows)[kRows], const int64_t (&at)[kRows]) {
    Bytes bytes;
    for (int r = 0; r < kRows; ++r) std::memcpy(reinterpret_cast<uint8_t*>(&bytes) + r * kSlot, rows[r] + at[r], kSlot);
    return __builtin_convertvector(bytes, Lanes);
  }

  /** Each row's pixel moved to the row below; the first row's is `above`. */
  static ADSAM_INLINE Lanes pushed_down(Lanes lanes, Lanes above) {
    if constexpr (kSlot == 4)
      return __builtin_shufflevector(above, lanes, 0, 1, 2, 3, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27);
    else
      return __builtin_shufflevector(above, lanes, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
  }
};

template <class Lanes>
ADSAM_INLINE Lanes absolute(Lanes x) {
  return x > -x ? x : -x;
}

/** Of left, above and above left the one nearest to left + above - above left; the first of equals. */
template <class Lanes>
ADSAM_INLINE Lanes paeth(Lanes a, Lanes b, Lanes c) {
  const Lanes down = b - c, right = a - c;
  const Lanes to_a = absolute(down), to_b = absolute(right), to_c = absolute(down + right);
  const Lanes b_or_c = to_b <= to_c ? b : c;
  const Lanes nearest = to_b <= to_c ? to_b : to_c;
  return to_a <= nearest ? a : b_or_c;
}

/** Which lanes belong to rows of which filter: all ones or zero. */
template <class Lanes>
struct Masks {
  Lanes left{}, above{}, average{}, paeth{};
};

template <bool kAllPaeth, class Lanes>
ADSAM_INLINE Lanes restored(Lanes stored, Lanes a, Lanes b, Lanes c, const Masks<Lanes>& rows) {
  const Lanes nearest = paeth(a, b, c);
  if constexpr (kAllPaeth) return (stored + nearest) & 255;
  const Lanes guess =
      (nearest & rows.paeth) | (a & rows.left) | (b & rows.above) | (((a + b) >> 1) & rows.average);
  return (stored + guess) & 255;
}

/** One scalar pixel, for the ends of rows and the rows left over: the specification's words. */
ADSAM_INLINE uint8_t restored_byte(Filter filter, int stored, int a, int b, int c) {
  switch (filter) {
    case kSub: return stored + a;
    case kUp: return stored + b;
    case kAverage: return stored + ((a + b) >> 1);
    case kPaeth: {
      const int to_a = std::abs(b - c), to_b = std::abs(a - c), to_c = std::abs(a + b - 2 * c);
      return stored + (to_a <= to_b && to_a <= to_c ? a : to_b <= to_c ? b : c);
    }
    default: return stored;
  }
}

ADSAM_INLINE void restore_bytes(Filter filter, const uint8_t* stored, const uint8_t* above, int64_t begin, int64_t end,
                                int64_t bytes_per_pixel, uint8_t* out) {
  for (int64_t i = begin; i < end; ++i) {
    const bool first = i < bytes_per_pixel;
    out[i] = restored_byte(filter, stored[i], first ? 0 : out[i - bytes_per_pixel], above[i],
                           first ? 0 : above[i - bytes_per_pixel]);
  }
}

/**
 * kRows rows by diagonals: at step t row r is at pixel t - r. The first and last pixels of each row, where diagonals are
 * not whole, are done apart.
 */
template <int kBytes, bool kAllPaeth>
ADSAM_INLINE void restore_rows(const Filter* filters, const uint8_t* stored, const uint8_t* above, int64_t row_bytes,
                               uint8_t* out) {
  using Shape = Diagonal<kBytes>;
  using Lanes = typename Shape::Lanes;
  constexpr int kRows = Shape::kRows, kSlot = Shape::kSlot;
  const int64_t pixels = row_bytes / kBytes;

  const uint8_t* from[kRows];
  uint8_t* to[kRows];
  Masks<Lanes> masks;
  for (int r = 0; r < kRows; ++r) {
    from[r] = stored + r * (row_bytes + 1) + 1;
    to[r] = out + r * row_bytes;
    for (int lane = r * kSlot; lane < (r + 1) * kSlot; ++lane) {
      masks.left[lane] = filters[r] == kSub ? -1 : 0;
      masks.above[lane] = filters[r] == kUp ? -1 : 0;
      masks.average[lane] = filters[r] == kAverage ? -1 : 0;
      masks.paeth[lane] = filters[r] == kPaeth ? -1 : 0;
    }
  }

  // The triangle before the first whole diagonal: row r has done kRows - 1 - r pixels.
  const int64_t before = std::min<int64_t>(kRows - 1, pixels);
  for (int r = 0; r < kRows; ++r)
    restore_bytes(filters[r], from[r], r == 0 ? above : to[r - 1], 0, std::max<int64_t>(0, before - r) * kBytes, kBytes,
                  to[r]);

  // The last pixel of a row is never reached here: its slot would reach into the next row.
  const int64_t whole = pixels - 1;
  if (whole >= kRows) {
    Lanes a{}, c{};
    for (int r = 0; r < kRows; ++r)
      for (int i = 0; i < kBytes; ++i) {
        const int64_t left = (kRows - 2 - r) * kBytes + i;  // the pixel before the diagonal's
        a[r * kSlot + i] = left < 0 ? 0 : to[r][left];
        c[r * kSlot + i] = left < 0 ? 0 : (r == 0 ? above : to[r - 1])[left];
      }
    for (int64_t t = kRows - 1; t < whole; ++t) {
      int64_t at[kRows];
      for (int r = 0; r < kRows; ++r) at[r] = (t - r) * kBytes;
      typename Shape::Bytes first{};
      std::memcpy(&first, above + at[0], kSlot);
      const Lanes b = Shape::pushed_down(a, __builtin_convertvector(first, Lanes));
      a = restored<kAllPaeth>(Shape::load(from, at), a, b, c, masks);
      c = b;
      const auto bytes = __builtin_convertvector(a, typename Shape::Bytes);
      for (int r = 0; r < kRows; ++r)
        std::memcpy(to[r] + at[r], reinterpret_cast<const uint8_t*>(&bytes) + r * kSlot, kSlot);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    const int64_t done = whole >= kRows ? whole - r : std::max<int64_t>(0, before - r);
    restore_bytes(filters[r], from[r], r == 0 ? above : to[r - 1], done * kBytes, row_bytes, kBytes, to[r]);
  }
}

template <int kBytes>
ADSAM_INLINE void restore_picture(const Filter* filters, const uint8_t* stored, int64_t height, int64_t row_bytes,
                                  const uint8_t* zeros, uint8_t* out) {
  constexpr int kRows = Diagonal<kBytes>::kRows;
  const uint8_t* above = zeros;
  int64_t y = 0;
  for (; y + kRows <= height; y += kRows) {
    const bool all_paeth = std::all_of(filters + y, filters + y + kRows, [](Filter f) { return f == kPaeth; });
    const uint8_t* rows = stored + y * (row_bytes + 1);
    if (all_paeth)
      restore_rows<kBytes, true>(filters + y, rows, above, row_bytes, out + y * row_bytes);
    else
      restore_rows<kBytes, false>(filters + y, rows, above, row_bytes, out + y * row_bytes);
    above = out + (y + kRows - 1) * row_bytes;
  }
  for (; y < height; ++y) {
    restore_bytes(filters[y], stored + y * (row_bytes + 1) + 1, above, 0, row_bytes, kBytes, out + y * row_bytes);
    above = out + y * row_bytes;
  }
}

// Each a function of its own, so that each is compiled for every instruction set.
ADSAM_CPU_CLONES void restore_1(const Filter* filters, const uint8_t* stored, int64_t height, int64_t row_bytes,
                                const uint8_t* zeros, uint8_t* out) {
  restore_picture<1>(filters, stored, height, row_bytes, zeros, out);
}

ADSAM_CPU_CLONES void restore_3(const Filter* filters, const uint8_t* stored, int64_t height, int64_t row_bytes,
                                const uint8_t* zeros, uint8_t* out) {
  restore_picture<3>(filters, stored, height, row_bytes, zeros, out);
}

ADSAM_CPU_CLONES void restore_4(const Filter* filters, const uint8_t* stored, int64_t height, int64_t row_bytes,
                                const uint8_t* zeros, uint8_t* out) {
  restore_picture<4>(filters, stored, height, row_bytes, zeros, out);
}

}  // namespace

bool unfilter(const uint8_t* filtered, int64_t height, int64_t row_bytes, int64_t bytes_per_pixel, uint8_t* out) {
  std::vector<Filter> filters(height);
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t filter = filtered[y * (row_bytes + 1)];
    if (filter >= kFilters) return false;
    filters[y] = static_cast<Filter>(filter);
  }
  const std::vector<uint8_t> zeros(row_bytes + 4);  // the row above the first
  switch (bytes_per_pixel) {
    case 1: restore_1(filters.data(), filtered, height, row_bytes, zeros.data(), out); return true;
    case 3: restore_3(filters.data(), filtered, height, row_bytes, zeros.data(), out); return true;
    case 4: restore_4(filters.data(), filtered, height, row_bytes, zeros.data(), out); return true;
    default: return false;
  }
}

}  // namespace adsam
