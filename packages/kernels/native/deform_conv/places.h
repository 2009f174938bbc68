#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/gemm_tile.h"

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

/** A short run, where a call of memcpy would cost more than the copy. */
template <typename T>
ADSAM_INLINE void copy_run(const T* from, int64_t count, T* to) {
  using Piece = typename Vector<T, 16>::Anywhere;
  constexpr int64_t lanes = Vector<T, 16>::lanes;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) *reinterpret_cast<Piece*>(to + i) = *reinterpret_cast<const Piece*>(from + i);
  for (; i < count; ++i) to[i] = from[i];
}

/** values[p] = channel `channel` of the maps at the tile's position p. */
template <typename T>
ADSAM_INLINE void read_map(const Tile2d& tile, const MapView<const T>& maps, int64_t channel, T* values) {
  const T* row = maps.data + channel * maps.channel + tile.y * maps.row + tile.x * maps.column;
  for (int64_t r = 0; r < tile.height; ++r, row += maps.row, values += tile.width)
    if (maps.column == 1)
      copy_run(row, tile.width, values);
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
 * Written without branches, as the compiler needs it for vector code.
 */
template <typename T>
ADSAM_INLINE void locate(Places<T>& places, const T* y, const T* x, int64_t count, int32_t height, int32_t width) {
  const T y_end = static_cast<T>(height), x_end = static_cast<T>(width);
#pragma omp simd
  for (int64_t p = 0; p < count; ++p) {
    // -2 stands for all that is too far to touch the picture, NaN included: not every number is one as an int.
    const T y_near = ((y[p] >= T(-1)) & (y[p] < y_end)) ? y[p] : T(-2);
    const T x_near = ((x[p] >= T(-1)) & (x[p] < x_end)) ? x[p] : T(-2);
    const T y_floor = std::floor(y_near), x_floor = std::floor(x_near);
    // A number less itself is zero, but NaN for NaN and infinity.
    const T fy = y_near - y_floor + (y[p] - y[p]), fx = x_near - x_floor + (x[p] - x[p]), mask = places.mask[p];
    const int32_t top = static_cast<int32_t>(y_floor), left = static_cast<int32_t>(x_floor);
    const int32_t first = top * width + left;
    const int32_t no_top = top < 0 ? -1 : 0, no_bottom = (top < -1 ? -1 : 0) | (top >= height - 1 ? -1 : 0);
    const int32_t no_left = left < 0 ? -1 : 0, no_right = (left < -1 ? -1 : 0) | (left >= width - 1 ? -1 : 0);
    places.pixel[0][p] = first | no_top | no_left;
    places.pixel[1][p] = (first + 1) | no_top | no_right;
    places.pixel[2][p] = (first + width) | no_bottom | no_left;
    places.pixel[3][p] = (first + width + 1) | no_bottom | no_right;
    places.weight[0][p] = (1 - fy) * (1 - fx) * mask;
    places.weight[1][p] = (1 - fy) * fx * mask;
    places.weight[2][p] = fy * (1 - fx) * mask;
    places.weight[3][p] = fy * fx * mask;
    places.fy[p] = fy, places.fx[p] = fx;
  }
}

}  // namespace adsam
