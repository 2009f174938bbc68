#pragma once

#include "conv3x3/transforms.h"

/** How a picture is cut into Winograd's tiles, and how tiles at its border and channels that fill no vector are read. */
namespace adsam::winograd {

/** Tiles of 4 × 4 output pixels, counted through the batch row by row; the last of a row or column may reach outside. */
struct Tiling {
  int64_t batch, height, width;

  int64_t down() const { return (height + kTile - 1) / kTile; }
  int64_t across() const { return (width + kTile - 1) / kTile; }
  int64_t count() const { return batch * down() * across(); }
};

/** The smallest multiple of `lanes` that holds `channels`. */
inline int64_t filled_up(int64_t channels, int64_t lanes) { return (channels + lanes - 1) / lanes * lanes; }

/** Transformed tiles: 36 matrices [tiles, channels filled up to whole vectors], a cache line more than that apart, so
 * that they do not all fall on the same lines of a cache. */
template <typename T>
struct Planes {
  T* data;
  int64_t row, stride;

  Planes(T* data_, int64_t tiles, int64_t channels, int64_t lanes)
      : data(data_), row(filled_up(channels, lanes)), stride(plane_size(tiles, channels, lanes)) {}

  static int64_t plane_size(int64_t tiles, int64_t channels, int64_t lanes) {
    return filled_up(tiles * filled_up(channels, lanes), 64 / sizeof(T)) + 64 / sizeof(T);
  }
  static int64_t size(int64_t tiles, int64_t channels, int64_t lanes) {
    return kPlanes * plane_size(tiles, channels, lanes);
  }

  T* plane(int64_t p) const { return data + p * stride; }
};

enum class Reach { input, output };  // a tile's 6 × 6 patch of the convolution's input, or its 4 × 4 own pixels

/** Tile number `tile` of pictures [B, H, W, channels] → row `to` of the planes, through the transform of that reach. */
template <typename T>
void read_tile(const Transforms<T>& run, Reach reach, const Tiling& tiling, const T* pictures, int64_t channels,
               int64_t tile, const Planes<T>& planes, int64_t to);

/**
 * Row `from` of the planes → tile number `tile` of `channels` channels of pictures [B, H, W, …] whose pixels lie `pixel`
 * numbers apart, plus bias [channels] or null, ReLU.
 */
template <typename T>
void write_tile(const Transforms<T>& run, const Tiling& tiling, const Planes<T>& planes, int64_t from, T* pictures,
                int64_t pixel, int64_t channels, int64_t tile, const T* bias, bool relu);

}  // namespace adsam::winograd
