#include "conv3x3/patches.h"

#include <algorithm>
#include <cstring>

namespace adsam::winograd {
namespace {

constexpr int64_t kMostLanes = 16;

/** A tile's pixels: the square of `size` from (top, left), of which rows and columns [first, end) lie in the picture. */
struct Square {
  int64_t size, picture, top, left;
  int64_t first_row, end_row, first_column, end_column;

  Square(const Tiling& tiling, int64_t tile, int64_t size_, int64_t margin) : size(size_) {
    const int64_t across = tiling.across(), tiles = tiling.down() * across;
    picture = tile / tiles;
    top = tile % tiles / across * kTile - margin;
    left = tile % across * kTile - margin;
    first_row = std::max<int64_t>(0, -top), end_row = std::min(size, tiling.height - top);
    first_column = std::max<int64_t>(0, -left), end_column = std::min(size, tiling.width - left);
  }

  bool whole() const { return first_row == 0 && end_row == size && first_column == 0 && end_column == size; }

  /** Of the pixel (0, 0) of the square, which may lie outside, in numbers from the start of the pictures. */
  int64_t offset(const Tiling& tiling, int64_t pixel) const {
    return ((picture * tiling.height + top) * tiling.width + left) * pixel;
  }

  template <typename Visit>
  void each_inside(const Visit& visit) const {
    for (int64_t i = first_row; i < end_row; ++i)
      for (int64_t j = first_column; j < end_column; ++j) visit(i, j);
  }
};

/**
 * Calls `run(first, vectors)` so that all channels are covered by whole vectors; the last may lie over the one before
 * it, which then is computed twice. There must be at least one vector of channels.
 */
template <typename Run>
void each_vector(int64_t channels, int64_t lanes, const Run& run) {
  run(0, channels / lanes);
  if (channels % lanes != 0) run(channels - lanes, 1);
}

}  // namespace

template <typename T>
void read_tile(const Transforms<T>& run, Reach reach, const Tiling& tiling, const T* pictures, int64_t channels,
               int64_t tile, const Planes<T>& planes, int64_t to) {
  const bool input = reach == Reach::input;
  const auto apply = input ? run.input : run.output_gradient;
  const Square square(tiling, tile, input ? kPatch : kTile, input ? 1 : 0);
  const int64_t row = tiling.width * channels, offset = square.offset(tiling, channels);
  T* out = planes.data + to * planes.row;
  Step<T> step{nullptr, row, channels, out, kPatch * planes.stride, planes.stride};

  if (square.whole() && channels >= run.lanes)
    return each_vector(channels, run.lanes, [&](int64_t first, int64_t vectors) {
      step.in = pictures + (offset + first), step.out = out + first, step.vectors = vectors;
      apply(step);
    });

  alignas(64) T square_of_vectors[kPlanes * kMostLanes];
  step.in = square_of_vectors, step.in_row = square.size * run.lanes, step.in_column = run.lanes;
  std::fill_n(square_of_vectors, square.size * step.in_row, T(0));
  for (int64_t first = 0; first < channels; first += run.lanes, step.out += run.lanes) {
    const int64_t count = std::min(run.lanes, channels - first);
    square.each_inside([&](int64_t i, int64_t j) {
      T* vector = square_of_vectors + i * step.in_row + j * step.in_column;
      std::memcpy(vector, pictures + (offset + i * row + j * channels + first), count * sizeof(T));
      std::fill(vector + count, vector + run.lanes, T(0));
    });
    apply(step);
  }
}

template <typename T>
void write_tile(const Transforms<T>& run, const Tiling& tiling, const Planes<T>& planes, int64_t from, T* pictures,
                int64_t pixel, int64_t channels, int64_t tile, const T* bias, bool relu) {
  const Square square(tiling, tile, kTile, 0);
  const int64_t row = tiling.width * pixel, offset = square.offset(tiling, pixel);
  const T* in = planes.data + from * planes.row;
  Step<T> step{in, kPatch * planes.stride, planes.stride, nullptr, row, pixel};
  step.relu = relu;

  if (square.whole() && channels >= run.lanes)
    return each_vector(channels, run.lanes, [&](int64_t first, int64_t vectors) {
      step.in = in + first, step.out = pictures + (offset + first), step.vectors = vectors;
      step.bias = bias ? bias + first : nullptr;
      run.output(step);
    });

  alignas(64) T square_of_vectors[kTile * kTile * kMostLanes], some_bias[kMostLanes] = {};
  step.out = square_of_vectors, step.out_row = kTile * run.lanes, step.out_column = run.lanes;
  if (bias) step.bias = some_bias;
  for (int64_t first = 0; first < channels; first += run.lanes, step.in += run.lanes) {
    const int64_t count = std::min(run.lanes, channels - first);
    if (bias) std::memcpy(some_bias, bias + first, count * sizeof(T));
    run.output(step);
    square.each_inside([&](int64_t i, int64_t j) {
      std::memcpy(pictures + (offset + i * row + j * pixel + first),
                  square_of_vectors + i * step.out_row + j * step.out_column, count * sizeof(T));
    });
  }
}

#define ADSAM_INSTANTIATE(T)                                                                                          \
  template void read_tile(const Transforms<T>&, Reach, const Tiling&, const T*, int64_t, int64_t, const Planes<T>&,   \
                          int64_t);                                                                                   \
  template void write_tile(const Transforms<T>&, const Tiling&, const Planes<T>&, int64_t, T*, int64_t, int64_t,      \
                           int64_t, const T*, bool);
ADSAM_INSTANTIATE(float)
ADSAM_INSTANTIATE(double)

}  // namespace adsam::winograd
