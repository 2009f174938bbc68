#pragma once

#include "common/instruction_set.h"
#include "deform_conv/geometry.h"
#include "deform_conv/places.h"

/**
 * The gathers and scatters of a deformable convolution on bare memory, for one chunk of the product on one tile of output
 * positions. A column is what one position multiplies: for each tap of the chunk the channels read there. `columns` is
 * [positions, taps, channels], its rows a little further apart than they are long.
 */
namespace adsam {

/** A part of the product's sum: some taps of one run of channels. */
struct Chunk {
  ChannelRun run;
  int64_t first_tap, taps;

  int64_t columns() const { return taps * run.count; }
};

/** The pixels of one channels-last picture, from the run's first channel on. */
template <typename T>
struct Pixels {
  const T* data;
  int64_t stride;
  const T* outside;  // zeros, read for pixels outside
};

/**
 * Where one thread adds up its part of a picture's gradient, from the run's first channel on: pixels it owns go to the
 * result, those above and below into memory of its own, to be added when all have ended; those outside nowhere.
 */
template <typename T>
struct PixelSums {
  struct Zone {
    T* data;
    int64_t first;  // the pixel at data
  };
  Zone above, own, below;
  T* outside;
  int64_t stride;
};

template <typename T>
struct ColumnJob {
  const DeformGeometry& geometry;
  Chunk chunk;
  Tile2d tile;
  MapView<const T> offset;  // [2·offsetGroups·taps, outH, outW]: dy and dx of every tap, in pixels
  MapView<const T> mask;    // [offsetGroups·taps, outH, outW]; data null for ones
  Pixels<T> pixels;
  T* columns;
  int64_t columns_stride;
};

/** Reads the columns. */
template <typename T>
void gather_columns(const ColumnJob<T>& job, InstructionSet set);

/** Where the cotangents of one picture's offset and mask go, as offset and mask are ordered; data null if not wanted. */
template <typename T>
struct TapGradients {
  MapView<T> offset, mask;
  bool accumulate;  // an earlier run of the same offset group wrote here

  bool wanted() const { return offset.data || mask.data; }
};

/**
 * Takes the columns' cotangents in job.columns: adds to `sums` what they send to the picture, and to `gradients` what
 * they send to offset and mask; leaves the columns themselves there if `keep_columns`. Each pixel is read once for all.
 */
template <typename T>
void spread_columns(const ColumnJob<T>& job, const PixelSums<T>* sums, const TapGradients<T>& gradients,
                    bool keep_columns, InstructionSet set);

}  // namespace adsam
