#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/gemm.h"
#include "deform_conv/columns.h"

/** How one deformable convolution is cut up: output positions into tiles, the product's sum into chunks. */
namespace adsam {

/** A multiple of a vector more than the rows are long, so that rows a power of two long meet different cache lines. */
constexpr int64_t kRowGap = 16;

/** All chunks, in order of group: within a group they add up to the whole sum. */
std::vector<Chunk> column_chunks(const DeformGeometry& g);

/** Output rows [begin, end) in rectangles of at most kTilePositions: near to square, so that they read few pixels. */
class TileGrid {
 public:
  TileGrid(int64_t begin, int64_t end, int64_t width);

  int64_t count() const { return rows_ * columns_; }
  Tile2d operator[](int64_t i) const;

 private:
  int64_t begin_, end_, width_, rows_, columns_;
};

/** The chunks' parts of the weight [O, C/groups, kH, kW], packed for the product. */
template <typename T>
class ChunkWeights {
 public:
  /** As matrices [taps·channels, O/groups], for the output; or `transposed`, for the cotangents of the columns. */
  ChunkWeights(const DeformGeometry& g, const std::vector<Chunk>& chunks, const Tensor& weight, bool transposed,
               InstructionSet set);

  const Panels<T>& operator[](size_t chunk) const { return panels_[chunk]; }

 private:
  Tensor storage_;
  std::vector<Panels<T>> panels_;
};

/**
 * Threads' parts of the weight's gradient: for each chunk a matrix [O/groups, taps·channels], chunk after chunk.
 */
template <typename T>
class ChunkWeightSums {
 public:
  ChunkWeightSums(const DeformGeometry& g, const std::vector<Chunk>& chunks, int64_t threads);

  T* of(int64_t thread, size_t chunk) const { return sums_.data_ptr<T>() + thread * size_ + first_[chunk]; }
  /** The sum over all threads, in their order, as [O, C/groups, kH, kW] in the layout of `like`. */
  Tensor total(const Tensor& like) const;

 private:
  const DeformGeometry& g_;
  const std::vector<Chunk>& chunks_;
  std::vector<int64_t> first_;
  int64_t threads_, size_;
  Tensor sums_;
};

/** [B, C, H, W] seen as maps of picture b; an undefined tensor gives null. */
template <typename T>
MapView<T> map_view(const Tensor& maps, int64_t b) {
  if (!maps.defined()) return {nullptr, 0, 0, 0};
  return {maps.data_ptr<std::remove_const_t<T>>() + b * maps.stride(0), maps.stride(1), maps.stride(2), maps.stride(3)};
}

/** The instruction set that deformable convolution uses: the one in use, or what a test asked for. */
InstructionSet deform_instruction_set();

/** For tests: the set of that name from now on, "" the one in use again. Returns its name. */
std::string use_deform_instruction_set(std::string_view name);

}  // namespace adsam
