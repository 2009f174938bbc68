#include <ATen/Parallel.h>

#include <algorithm>

#include "conv3x3/patches.h"
#include "conv3x3/weights.h"
#include "conv3x3/winograd.h"

namespace adsam::winograd {
namespace {

// What a thread holds of transformed tiles, before and after the product; the rest of the second cache is the weights'.
constexpr int64_t kBlockBytes = 768 << 10;
// Fewer tiles at once and the weights, which pass once a block, cost more than the sums they serve.
constexpr int64_t kLeastTiles = 24;
constexpr int64_t kTileStep = 8;

int64_t tiles_at_once(int64_t tiles, int64_t channels, int64_t item_size) {
  const int64_t fitting = kBlockBytes / (kPlanes * channels * item_size);
  const int64_t share = at::divup(tiles, at::get_num_threads());  // a small picture still serves all threads
  return std::max(kTileStep, std::min(std::max(kLeastTiles, fitting), share) / kTileStep * kTileStep);
}

template <typename T>
Tensor convolve(const Tensor& pictures, const WeightView<T>& weight, const Tensor& bias, bool relu) {
  const InstructionSet set = widest_set();
  const auto& run = transforms<T>(set);
  const Tiling tiling{pictures.size(0), pictures.size(1), pictures.size(2)};
  Tensor result = at::empty({tiling.batch, tiling.height, tiling.width, weight.out}, pictures.options());
  const TransformedWeights<T> transformed(weight, set);
  const T* in = pictures.data_ptr<T>();
  const T* bias_row = bias.defined() ? bias.data_ptr<T>() : nullptr;
  T* out = result.data_ptr<T>();

  const int64_t block = tiles_at_once(tiling.count(), weight.in + weight.out, sizeof(T));
  at::parallel_for(0, at::divup(tiling.count(), block), 1, [&](int64_t begin, int64_t end) {
    const int64_t input_size = Planes<T>::size(block, weight.in, run.lanes);
    const int64_t output_size = Planes<T>::size(block, weight.out, run.lanes);
    const auto memory = c10::GetAllocator(c10::DeviceType::CPU)->allocate((input_size + output_size) * sizeof(T));
    T* const data = static_cast<T*>(memory.get());
    const Planes<T> inputs(data, block, weight.in, run.lanes), outputs(data + input_size, block, weight.out, run.lanes);
    for (int64_t first = begin * block; first < std::min(end * block, tiling.count()); first += block) {
      const int64_t tiles = std::min(block, tiling.count() - first);
      for (int64_t i = 0; i < tiles; ++i) read_tile(run, Reach::input, tiling, in, weight.in, first + i, inputs, i);
      for (int64_t p = 0; p < kPlanes; ++p)
        multiply<T>(tiles, {inputs.plane(p), inputs.row}, transformed.plane(p), outputs.plane(p), outputs.row);
      for (int64_t i = 0; i < tiles; ++i)
        write_tile(run, tiling, outputs, i, out, weight.out, first + i, bias_row, relu);
    }
  });
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
