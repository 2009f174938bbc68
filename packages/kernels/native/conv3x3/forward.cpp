#include <ATen/Parallel.h>

#include <algorithm>

#include "conv3x3/patches.h"
#include "conv3x3/weights.h"
#include "conv3x3/winograd.h"

namespace adsam::winograd {
namespace {

// What a thread holds of transformed tiles, before and after the product; the rest of the second cache is the weights'.
constexpr int64_t kBlockBytes = 512 << 10;
// Fewer tiles at once and the weights, which pass once a block, cost more than the sums they serve.
constexpr int64_t kLeastTiles = 24;
constexpr int64_t kTileStep = 8;
constexpr int64_t kTileGrain = 4;

/** One convolution: pictures [B, H, W, C] through `weight`, bias [O] or null, ReLU or not, to `out` [B, H, W, O]. */
template <typename T>
struct Job {
  const T* in;
  const WeightView<T>& weight;
  const T* bias;
  bool relu;
  T* out;
  Tiling tiling;
  InstructionSet set;
  const Transforms<T>& run;
};

/** The 36 planes of `tiles` tiles in memory of their own. */
template <typename T>
struct OwnPlanes {
  c10::DataPtr memory;
  Planes<T> planes;

  OwnPlanes(int64_t tiles, int64_t channels, int64_t lanes)
      : memory(c10::GetAllocator(c10::DeviceType::CPU)
                   ->allocate(Planes<T>::size(tiles, channels, lanes) * sizeof(T))),
        planes(static_cast<T*>(memory.get()), tiles, channels, lanes) {}
};

template <typename T>
void multiply_planes(int64_t tiles, const Planes<T>& in, const TransformedWeights<T>& weights, const Planes<T>& out) {
  for (int64_t p = 0; p < kPlanes; ++p)
    multiply<T>(tiles, {in.plane(p), in.row}, weights.plane(p), out.plane(p), out.row);
}

int64_t tiles_at_once(int64_t tiles, int64_t channels, int64_t item_size) {
  const int64_t fitting = kBlockBytes / (kPlanes * channels * item_size);
  const int64_t share = at::divup(tiles, at::get_num_threads());  // a small picture still serves all threads
  return std::max(kTileStep, std::min(std::max(kLeastTiles, fitting), share) / kTileStep * kTileStep);
}

/** All weights transformed, then blocks of tiles, each from picture to picture within a thread's cache. */
template <typename T>
void convolve_tiles(const Job<T>& job) {
  const WeightView<T>& weight = job.weight;
  TransformedWeights<T> transformed(weight.in, weight.out, job.set);
  transformed.set(weight);
  const int64_t count = job.tiling.count(), block = tiles_at_once(count, weight.in + weight.out, sizeof(T));
  at::parallel_for(0, at::divup(count, block), 1, [&](int64_t begin, int64_t end) {
    const OwnPlanes<T> inputs(block, weight.in, job.run.lanes), outputs(block, weight.out, job.run.lanes);
    for (int64_t first = begin * block; first < std::min(end * block, count); first += block) {
      const int64_t tiles = std::min(block, count - first);
      for (int64_t i = 0; i < tiles; ++i)
        read_tile(job.run, Reach::input, job.tiling, job.in, weight.in, first + i, inputs.planes, i);
      multiply_planes(tiles, inputs.planes, transformed, outputs.planes);
      for (int64_t i = 0; i < tiles; ++i)
        write_tile(job.run, job.tiling, outputs.planes, i, job.out, weight.out, weight.out, first + i, job.bias,
                   job.relu);
    }
  });
}

/**
 * All tiles transformed, then a few outgoing channels at a time, their weights used while still in the cache: for few
 * tiles under many weights, which grow fourfold when transformed (512 → 512 channels: 38 MB).
 */
template <typename T>
void convolve_channels(const Job<T>& job) {
  const WeightView<T>& weight = job.weight;
  const int64_t lanes = job.run.lanes, tiles = job.tiling.count();
  const OwnPlanes<T> inputs(tiles, weight.in, lanes);
  at::parallel_for(0, tiles, kTileGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      read_tile(job.run, Reach::input, job.tiling, job.in, weight.in, i, inputs.planes, i);
  });

  const int64_t share = at::divup(weight.out, at::get_num_threads());
  const int64_t width = std::min(4 * lanes, filled_up(share, lanes));
  at::parallel_for(0, at::divup(weight.out, width), 1, [&](int64_t begin, int64_t end) {
    TransformedWeights<T> transformed(weight.in, width, job.set);
    const OwnPlanes<T> outputs(tiles, width, lanes);
    for (int64_t first = begin * width; first < std::min(end * width, weight.out); first += width) {
      const int64_t channels = std::min(width, weight.out - first);
      transformed.set(weight.columns(first, channels));
      multiply_planes(tiles, inputs.planes, transformed, outputs.planes);
      for (int64_t i = 0; i < tiles; ++i)
        write_tile(job.run, job.tiling, outputs.planes, i, job.out + first, weight.out, channels, i,
                   job.bias ? job.bias + first : nullptr, job.relu);
    }
  });
}

template <typename T>
Tensor convolve(const Tensor& pictures, const WeightView<T>& weight, const Tensor& bias, bool relu) {
  const Tiling tiling{pictures.size(0), pictures.size(1), pictures.size(2)};
  const Tensor result = at::empty({tiling.batch, tiling.height, tiling.width, weight.out}, pictures.options());
  const InstructionSet set = set_in_use();
  const Job<T> job{pictures.data_ptr<T>(), weight, bias.defined() ? bias.data_ptr<T>() : nullptr, relu,
                   result.data_ptr<T>(),   tiling, set, transforms<T>(set)};
  if (tiling.count() < weight.out)
    convolve_channels(job);
  else
    convolve_tiles(job);
  return result;
}

}  // namespace

Tensor forward(const Tensor& pictures, const Tensor& weight, const Tensor& bias, bool relu) {
  Tensor result, storage;
  AT_DISPATCH_FLOATING_TYPES(pictures.scalar_type(), "winograd_forward", [&] {
    result = convolve(pictures, WeightView<scalar_t>::forward(weight, storage), bias, relu);
  });
  return result;
}

Tensor picture_gradient(const Tensor& gradient, const Tensor& weight) {
  Tensor result, storage;
  AT_DISPATCH_FLOATING_TYPES(gradient.scalar_type(), "winograd_picture_gradient", [&] {
    result = convolve(gradient, WeightView<scalar_t>::backward(weight, storage), Tensor(), false);
  });
  return result;
}

}  // namespace adsam::winograd
