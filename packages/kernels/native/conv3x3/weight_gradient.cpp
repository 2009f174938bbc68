#include <ATen/Parallel.h>

#include <algorithm>

#include "common/gemm.h"
#include "conv3x3/patches.h"
#include "conv3x3/weights.h"
#include "conv3x3/winograd.h"

namespace adsam::winograd {
namespace {

// What a thread's share is of the transformed tiles, pictures and gradients, that all threads hold together.
constexpr int64_t kBlockBytes = 2 << 20;
constexpr int64_t kLeastTiles = 128;
// Rows of one product: a multiple of the tile's height, enough to reuse the other side.
constexpr int64_t kRowStep = 96;
constexpr int64_t kTileGrain = 4;

int64_t tiles_at_once(int64_t tiles, int64_t channels, int64_t item_size) {
  const int64_t fitting = at::get_num_threads() * kBlockBytes / (kPlanes * channels * item_size);
  return std::min(tiles, std::max(kLeastTiles, fitting));
}

/** Σ over tiles of Vᵀ · dM, 36 matrices [C, O]. Each number is summed tile after tile whatever the blocks and threads. */
template <typename T>
void sum_products(const Transforms<T>& run, InstructionSet set, const Tiling& tiling, const T* pictures,
                  int64_t channels, const T* gradient, int64_t out_channels, const Planes<T>& sums) {
  const int64_t block = tiles_at_once(tiling.count(), channels + out_channels, sizeof(T));
  const int64_t input_size = Planes<T>::size(block, channels, run.lanes);
  const int64_t output_size = Planes<T>::size(block, out_channels, run.lanes);
  const auto memory = c10::GetAllocator(c10::DeviceType::CPU)->allocate((input_size + output_size) * sizeof(T));
  T* const data = static_cast<T*>(memory.get());
  const Planes<T> inputs(data, block, channels, run.lanes);
  const Planes<T> outputs(data + input_size, block, out_channels, run.lanes);
  // The product runs over whole vectors of O; what fills them up is never written and drops out of the result.
  if (outputs.row != out_channels) std::fill_n(outputs.data, output_size, T(0));
  const int64_t row_blocks = at::divup(channels, kRowStep);

  for (int64_t first = 0; first < tiling.count(); first += block) {
    const int64_t tiles = std::min(block, tiling.count() - first);
    at::parallel_for(0, tiles, kTileGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        read_tile(run, Reach::input, tiling, pictures, channels, first + i, inputs, i);
        read_tile(run, Reach::output, tiling, gradient, out_channels, first + i, outputs, i);
      }
    });
    at::parallel_for(0, kPlanes * row_blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t p = task / row_blocks, row = task % row_blocks * kRowStep;
        multiply<T>(std::min(kRowStep, channels - row), sums.row, tiles, {inputs.plane(p) + row, inputs.row, true},
                    outputs.plane(p), outputs.row, sums.plane(p) + row * sums.row, sums.row, first > 0, {}, set);
      }
    });
  }
}

/** Gᵀ dU G of every pair of channels → [9·C, O filled up] or, taps last, [C·9, O filled up]. */
template <typename T>
void transform_sums(const Transforms<T>& run, const Planes<T>& sums, int64_t channels, bool taps_first, T* out) {
  const int64_t tap = taps_first ? channels * sums.row : sums.row, next = taps_first ? sums.row : 9 * sums.row;
  at::parallel_for(0, channels, kTileGrain, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c)
      run.weight_gradient({sums.data + c * sums.row, kPatch * sums.stride, sums.stride, out + c * next, 3 * tap, tap,
                           sums.row / run.lanes});
  });
}

template <typename T>
Tensor gradient_of(const Tensor& gradient, const Tensor& pictures, const Tensor& weight) {
  const InstructionSet set = set_in_use();
  const auto& run = transforms<T>(set);
  const Tiling tiling{pictures.size(0), pictures.size(1), pictures.size(2)};
  const int64_t channels = pictures.size(3), out_channels = gradient.size(3);
  const auto memory = c10::GetAllocator(c10::DeviceType::CPU)
                          ->allocate(Planes<T>::size(channels, out_channels, run.lanes) * sizeof(T));
  const Planes<T> sums(static_cast<T*>(memory.get()), channels, out_channels, run.lanes);
  sum_products(run, set, tiling, pictures.data_ptr<T>(), channels, gradient.data_ptr<T>(), out_channels, sums);

  const bool taps_first = weight.suggest_memory_format() == at::MemoryFormat::ChannelsLast;
  const Tensor rows = at::empty({1, 9 * channels, 1, sums.row}, pictures.options());
  transform_sums(run, sums, channels, taps_first, rows.data_ptr<T>());
  return weight_from_rows(rows, weight);
}

}  // namespace

Tensor weight_gradient(const Tensor& gradient, const Tensor& pictures, const Tensor& weight) {
  Tensor result;
  AT_DISPATCH_FLOATING_TYPES(pictures.scalar_type(), "winograd_weight_gradient",
                             [&] { result = gradient_of<scalar_t>(gradient, pictures, weight); });
  return result;
}

}  // namespace adsam::winograd
