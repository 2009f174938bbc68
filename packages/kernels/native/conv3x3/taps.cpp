#include "conv3x3/taps.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

#include "common/gemm.h"
#include "conv3x3/weights.h"

namespace adsam {
namespace {

// Channels and output pixels of one product: what is gathered for it stays in the second cache.
constexpr int64_t kChannels = 96, kPixels = 256;

struct Shape {
  int64_t batch, height, width, channels;
  int64_t out_height, out_width, out_channels;
  int64_t stride;

  int64_t positions() const { return batch * out_height * out_width; }
};

/** What tap (ky, kx) reads for output pixels [first, end): channels [c, c + count) of a pixel a row, zeros outside. */
template <typename T>
void gather(const Shape& s, const T* pictures, int64_t ky, int64_t kx, int64_t c, int64_t count, int64_t first,
            int64_t end, T* rows) {
  for (int64_t position = first; position < end; ++position, rows += count) {
    const int64_t row = position / s.out_width, b = row / s.out_height;
    const int64_t y = row % s.out_height * s.stride + ky - 1, x = position % s.out_width * s.stride + kx - 1;
    if (y >= 0 && y < s.height && x >= 0 && x < s.width)
      std::memcpy(rows, pictures + ((b * s.height + y) * s.width + x) * s.channels + c, count * sizeof(T));
    else
      std::fill_n(rows, count, T(0));
  }
}

template <typename T>
void sum_taps(const Shape& s, const T* pictures, const T* gradient, bool taps_first, T* sums) {
  const int64_t blocks = at::divup(s.channels, kChannels);
  const int64_t tap_stride = (taps_first ? s.channels : 1) * s.out_channels;
  const int64_t channel_stride = (taps_first ? 1 : 9) * s.out_channels;
  at::parallel_for(0, 9 * blocks, 1, [&](int64_t begin, int64_t end) {
    const auto memory = c10::GetAllocator(c10::DeviceType::CPU)->allocate(kPixels * kChannels * sizeof(T));
    T* const rows = static_cast<T*>(memory.get());
    for (int64_t task = begin; task < end; ++task) {
      const int64_t tap = task / blocks, c = task % blocks * kChannels, count = std::min(kChannels, s.channels - c);
      for (int64_t first = 0; first < s.positions(); first += kPixels) {
        const int64_t last = std::min(first + kPixels, s.positions());
        gather(s, pictures, tap / 3, tap % 3, c, count, first, last, rows);
        multiply<T>(count, s.out_channels, last - first, {rows, count, true}, gradient + first * s.out_channels,
                    s.out_channels, sums + tap * tap_stride + c * channel_stride, channel_stride, first > 0);
      }
    }
  });
}

}  // namespace

Tensor weight_gradient_by_taps(const Tensor& gradient, const Tensor& pictures, const Tensor& weight, int64_t stride) {
  const Shape s{pictures.size(0), pictures.size(1), pictures.size(2), pictures.size(3),
                gradient.size(1), gradient.size(2), gradient.size(3), stride};
  const bool taps_first = weight.suggest_memory_format() == at::MemoryFormat::ChannelsLast;
  const Tensor rows = at::empty({1, 9 * s.channels, 1, s.out_channels}, pictures.options());
  AT_DISPATCH_FLOATING_TYPES(pictures.scalar_type(), "weight_gradient_by_taps", [&] {
    sum_taps(s, pictures.data_ptr<scalar_t>(), gradient.data_ptr<scalar_t>(), taps_first, rows.data_ptr<scalar_t>());
  });
  return weight_from_rows(rows, weight);
}

}  // namespace adsam
