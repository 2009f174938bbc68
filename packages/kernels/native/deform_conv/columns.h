#pragma once

#include "common/bilinear.h"
#include "deform_conv/geometry.h"

/**
 * The gathers and scatters of a deformable convolution over a block of output positions of one picture, on bare memory.
 * A column is what one position multiplies: for each tap of the kernel the channels read there. `columns` of a block is
 * [groups, positions, taps, channels/groups]. All functions take a range of the block's positions (or channels), so
 * that threads can share a block.
 */
namespace adsam {

template <typename T>
struct ColumnBlock {
  const DeformGeometry& geometry;
  const std::vector<ChannelRun>& runs;
  const T* picture;  // [H, W, C]
  const T* offset;   // [2·offsetGroups·taps, positions]: dy and dx of every tap, in pixels
  const T* mask;     // [offsetGroups·taps, positions], or null for ones
  const T* zeros;    // [C] zeros, read for pixels outside
  int64_t first;     // the block's first output position
  int64_t count;     // its number of positions
  Tap<T>* taps;      // [count, offsetGroups, taps]
};

/** Fills block.taps for positions [begin, end) of the block. */
template <typename T>
void make_taps(const ColumnBlock<T>& block, int64_t begin, int64_t end);

/** Reads the columns of positions [begin, end). */
template <typename T>
void gather_columns(const ColumnBlock<T>& block, int64_t begin, int64_t end, T* columns);

/** Where the cotangents of one picture's offset and mask go: laid out as offset and mask are; null where not wanted. */
template <typename T>
struct TapGradients {
  T* offset;
  T* mask;
};

/** Gradients of offset and mask at positions [begin, end), from the cotangents of the columns. */
template <typename T>
void reduce_taps(const ColumnBlock<T>& block, int64_t begin, int64_t end, const T* column_gradients,
                 TapGradients<T> result);

/** Adds to picture_gradient [H, W, C] what all positions of the block send to channels [begin, end). */
template <typename T>
void scatter_columns(const ColumnBlock<T>& block, int64_t begin, int64_t end, const T* column_gradients,
                     T* picture_gradient);

}  // namespace adsam
