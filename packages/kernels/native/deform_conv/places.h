#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/cpu_clones.h"

/**
 * Where one tap of the kernel reads, for all positions of a tile of the output, as structure of arrays: making it is
 * vector code, and what reads it takes one number of each array in turn.
 */
namespace adsam {

/** Most output positions of a tile: the columns of so many stay in a core's second cache. */
constexpr int64_t kTilePositions = 128;

/** A rectangle of output positions, counted row by row. */
struct Tile2d {
  int64_t y, x, height, width;

  int64_t count() const { return height * width; }
};

/** One picture's maps [channels, outH, outW], laid out in any way. */
template <typename T>
struct MapView {
  T* data;
  int64_t channel, row, column;  // strides
};

/** values[p] = channel `channel` of the maps at the tile's position p. */
template <typename T>
ADSAM_INLINE void read_map(const Tile2d& tile, const MapView<const T>& maps, int64_t channel, T* values) {
  const T* row = maps.data + channel * maps.channel + tile.y * maps.row + tile.x * maps.column;
  for (int64_t r = 0; r < tile.height; ++r, row += maps.row, values += tile.width)
    if (maps.column == 1)
      std::copy(row, row + tile.width, values);
    else
      for (int64_t c = 0; c < tile.width; ++c) values[c] = row[c * maps.column];
}

/** The way back: written, or added to what is there. */
template <typename T>
ADSAM_INLINE void write_map(const Tile2d& tile, const MapView<T>& maps, int64_t channel, const T* values, bool add) {
  T* row = maps.data + channel * maps.channel + tile.y * maps.row + tile.x * maps.column;
  for (int64_t r = 0; r < tile.height; ++r, row += maps.row, values += tile.width)
    for (int64_t c = 0; c < tile.width; ++c)
      row[c * maps.column] = add ? row[c * maps.column] + values[c] : values[c];
}

/** What one tap does at each position: reads Σ weight[i] · pixel[i] over the four pixels round its place. */
template <typename T>
struct Places {
  int32_t pixel[4][kTilePositions];  // y·W + x of the upper left, upper right, lower left, lower right; -1 outside
  T weight[4][kTilePositions];       // bilinear share times mask
  T fy[kTilePositions], fx[kTilePositions], mask[kTilePositions];  // fractional part of the place, [0, 1), and the mask
};

/**
 * Fills `places` from fractional coordinates y, x [count] in pixels, where (0, 0) is the middle of the first pixel, and
 * places.mask. Pixels outside keep their weight, which multiplies a zero: so a place that is NaN or infinite reads NaN.
 */
template <typename T>
ADSAM_INLINE void locate(Places<T>& places, const T* y, const T* x, int64_t count, int32_t height, int32_t width) {
#pragma omp simd
  for (int64_t p = 0; p < count; ++p) {
    const T y_floor = std::floor(y[p]), x_floor = std::floor(x[p]);
    const T fy = y[p] - y_floor, fx = x[p] - x_floor, mask = places.mask[p];
    // -2 stands for all that is too far to touch the picture, NaN included: what follows may be any number as an int.
    const int32_t top = static_cast<int32_t>(y_floor >= T(-1) && y_floor < T(height) ? y_floor : T(-2));
    const int32_t left = static_cast<int32_t>(x_floor >= T(-1) && x_floor < T(width) ? x_floor : T(-2));
    const bool has_top = top >= 0, has_bottom = (top >= -1) & (top + 1 < height);
    const bool has_left = left >= 0, has_right = (left >= -1) & (left + 1 < width);
    const int32_t first = top * width + left;
    places.pixel[0][p] = has_top & has_left ? first : -1;
    places.pixel[1][p] = has_top & has_right ? first + 1 : -1;
    places.pixel[2][p] = has_bottom & has_left ? first + width : -1;
    places.pixel[3][p] = has_bottom & has_right ? first + width + 1 : -1;
    places.weight[0][p] = (1 - fy) * (1 - fx) * mask;
    places.weight[1][p] = (1 - fy) * fx * mask;
    places.weight[2][p] = fy * (1 - fx) * mask;
    places.weight[3][p] = fy * fx * mask;
    places.fy[p] = fy, places.fx[p] = fx;
  }
}

}  // namespace adsam
