#include <ATen/Parallel.h>

#include <algorithm>

#include "common/layout.h"
#include "max_pool/max_pool.h"
#include "max_pool/rows.h"

/**
 * 3×3 max-pooling of stride 2 and padding 1 on the CPU, channels-last. What is kept for backward is one byte a number,
 * and backward asks from the input's side: each pixel looks at the one, two or four output pixels that saw it.
 */
namespace adsam {
namespace {

struct Sizes {
  int64_t batch, channels, height, width, out_height, out_width;

  explicit Sizes(IntArrayRef in)
      : batch(in[0]),
        channels(in[1]),
        height(in[2]),
        width(in[3]),
        out_height(pooled_size(in[2])),
        out_width(pooled_size(in[3])) {}
};

/** Rows a thread takes at once, at least: enough work to be worth handing over. */
int64_t row_grain(int64_t row_elements) { return std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(1, row_elements)); }

template <typename T>
void pool(const Sizes& s, const T* in, T* out, uint8_t* taps) {
  const int64_t row = s.width * s.channels, out_row = s.out_width * s.channels;
  at::parallel_for(0, s.batch * s.out_height, row_grain(2 * row), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t middle = 2 * (i % s.out_height);
      const T* picture = in + i / s.out_height * s.height * row;
      const T* const rows[3] = {middle > 0 ? picture + (middle - 1) * row : nullptr, picture + middle * row,
                                middle + 1 < s.height ? picture + (middle + 1) * row : nullptr};
      pool_row(rows, s.width, s.channels, out + i * out_row, taps ? taps + i * out_row : nullptr);
    }
  });
}

template <typename T>
void unpool(const Sizes& s, const T* gradient, const uint8_t* taps, T* out) {
  const int64_t row = s.width * s.channels, pooled_row = s.out_width * s.channels;
  at::parallel_for(0, s.batch * s.height, row_grain(row), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t y = i % s.height, picture = i / s.height * s.out_height;
      PooledRows<T> rows{};
      for (int64_t k = 0, from = y / 2; from <= (y + 1) / 2 && from < s.out_height; ++k, ++from) {
        rows.gradient[k] = gradient + (picture + from) * pooled_row;
        rows.taps[k] = taps + (picture + from) * pooled_row;
        rows.tap_row[k] = static_cast<int>(y - 2 * from + 1);
      }
      unpool_row(rows, s.width, s.channels, out + i * row);
    }
  });
}

}  // namespace

std::tuple<Tensor, Tensor> max_pool_with_taps_cpu(const Tensor& input, bool with_taps) {
  check_max_pool(input);
  const auto type = compute_type(input);
  const Sizes s(input.sizes());
  const Tensor x = channels_last(input, type);
  const Tensor y = at::empty({s.batch, s.channels, s.out_height, s.out_width},
                             x.options().memory_format(at::MemoryFormat::ChannelsLast));
  Tensor taps;
  if (with_taps) taps = at::empty({s.batch, s.out_height, s.out_width, s.channels}, x.options().dtype(at::kByte));
  AT_DISPATCH_FLOATING_TYPES(type, "max_pool", [&] {
    pool(s, x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), with_taps ? taps.data_ptr<uint8_t>() : nullptr);
  });
  return {y.to(input.scalar_type()), taps};
}

Tensor max_pool_backward_cpu(const Tensor& gradient, const Tensor& taps, IntArrayRef input_size) {
  const auto type = compute_type(gradient);
  const Tensor dy = channels_last(gradient, type);
  const Tensor dx = at::empty(input_size, dy.options().memory_format(at::MemoryFormat::ChannelsLast));
  AT_DISPATCH_FLOATING_TYPES(type, "max_pool_backward", [&] {
    unpool(Sizes(input_size), dy.data_ptr<scalar_t>(), taps.data_ptr<uint8_t>(), dx.data_ptr<scalar_t>());
  });
  return dx.to(gradient.scalar_type());
}

}  // namespace adsam
