#include <ATen/Parallel.h>

#include <algorithm>

#include "common/layout.h"
#include "resize/resize.h"
#include "resize/rows.h"

/**
 * Bilinear resizing on the CPU. Channels-last, an output pixel blends four input pixels, channel by channel; row-major,
 * a row is stretched once and serves every output row that lies between it and its neighbours. Backward asks from the
 * small side: each input pixel sums the output pixels that read it, so nobody adds to the same number at once and
 * nothing is filled with zeros first.
 */
namespace adsam {
namespace {

struct Sizes {
  int64_t batch, channels, in_height, in_width, out_height, out_width;

  Sizes(IntArrayRef in, int64_t height, int64_t width)
      : batch(in[0]), channels(in[1]), in_height(in[2]), in_width(in[3]), out_height(height), out_width(width) {}
};

at::MemoryFormat format_if(bool channels_last) {
  return channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
}

bool is_channels_last(const Tensor& tensor) { return tensor.suggest_memory_format() == at::MemoryFormat::ChannelsLast; }

/** [B, C, H, W] of any strides → dense row-major of type `type`; no copy where it is so already. */
Tensor row_major_of(const Tensor& tensor, at::ScalarType type) {
  if (tensor.is_contiguous()) return tensor.to(type);
  return channels_first(channels_last(tensor, type), at::MemoryFormat::Contiguous);
}

/** Rows [begin, end) a thread takes at once, at least: enough work to be worth handing over. */
int64_t row_grain(int64_t row_elements) { return std::max<int64_t>(1, (1 << 15) / std::max<int64_t>(1, row_elements)); }

/** Channels-last: `in` [B, h, w, C1], `beside` [B, H, W, C2] or none → `out` [B, H, W, C1 + C2]. */
template <typename T>
void enlarge_pixels(const Sizes& s, const T* in, Beside<T> beside, T* out) {
  const AxisTaps<T> rows(s.in_height, s.out_height), columns(s.in_width, s.out_width);
  const int64_t in_row = s.in_width * s.channels, out_row = s.out_width * (s.channels + beside.channels);
  at::parallel_for(0, s.batch * s.out_height, row_grain(out_row), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t y = row % s.out_height;
      const T* picture = in + row / s.out_height * s.in_height * in_row;
      blend_pixels({picture + rows.lower[y] * in_row, picture + rows.upper[y] * in_row, rows.share[y]}, columns,
                   s.channels, {beside.row + row * s.out_width * beside.channels, beside.channels},
                   out + row * out_row);
    }
  });
}

/** Channels-last: `gradient` [B, H, W, stride], of which the first C1 elements a pixel are meant → `out` [B, h, w, C1].
 */
template <typename T>
void gather_pixels(const Sizes& s, const T* gradient, int64_t stride, T* out) {
  const AxisReaders<T> rows(s.in_height, s.out_height), columns(s.in_width, s.out_width);
  const int64_t gradient_row = s.out_width * stride;
  const int64_t grain = row_grain(s.in_width * s.channels);
  at::parallel_for(0, s.batch * s.in_height, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t y = row % s.in_height, readers = rows.count(y);
      const T* first = gradient + (row / s.in_height * s.out_height + rows.first(y)) * gradient_row;
      for (int64_t x = 0; x < s.in_width; ++x) {
        T* pixel = out + (row * s.in_width + x) * s.channels;
        if (readers == 0 || columns.count(x) == 0) std::fill_n(pixel, s.channels, T(0));
        for (int64_t k = 0; k < readers; ++k)
          add_pixels({first + k * gradient_row + columns.first(x) * stride, stride, columns.count(x),
                      columns.weights(x), rows.weights(y)[k]},
                     s.channels, /*accumulate*/ k > 0, pixel);
      }
    }
  });
}

/** Row-major: every plane by itself. */
template <typename T>
void enlarge_planes(const Sizes& s, const T* in, T* out) {
  const AxisTaps<T> rows(s.in_height, s.out_height), columns(s.in_width, s.out_width);
  const int64_t planes = s.batch * s.channels;
  at::parallel_for(0, planes * s.out_height, row_grain(s.out_width), [&](int64_t begin, int64_t end) {
    std::vector<T> stretched[2] = {std::vector<T>(s.out_width), std::vector<T>(s.out_width)};
    int64_t holds[2] = {-1, -1};  // which input row of all planes each of them is
    const auto stretch = [&](int64_t row) {
      const int place = row % 2;  // neighbours never share a place
      if (holds[place] != row) stretch_row(in + row * s.in_width, columns, stretched[place].data());
      holds[place] = row;
      return stretched[place].data();
    };
    for (int64_t row = begin; row < end; ++row) {
      const int64_t y = row % s.out_height, first = row / s.out_height * s.in_height;
      const T* lower = stretch(first + rows.lower[y]);
      mix_rows(lower, stretch(first + rows.upper[y]), rows.share[y], s.out_width, out + row * s.out_width);
    }
  });
}

template <typename T>
void gather_planes(const Sizes& s, const T* gradient, T* out) {
  const AxisReaders<T> rows(s.in_height, s.out_height), columns(s.in_width, s.out_width);
  const int64_t planes = s.batch * s.channels;
  at::parallel_for(0, planes * s.in_height, row_grain(s.in_width), [&](int64_t begin, int64_t end) {
    std::vector<T> sum(s.out_width);
    for (int64_t row = begin; row < end; ++row) {
      const int64_t y = row % s.in_height;
      const T* first = gradient + (row / s.in_height * s.out_height + rows.first(y)) * s.out_width;
      if (rows.count(y) == 0) std::fill(sum.begin(), sum.end(), T(0));
      // Rows of the plane taken for pixels a row apart, with a channel for each column.
      add_pixels({first, s.out_width, rows.count(y), rows.weights(y), T(1)}, s.out_width, /*accumulate*/ false,
                 sum.data());
      gather_row(sum.data(), columns, s.in_width, out + row * s.in_width);
    }
  });
}

/** [B, H, W, stride], the last C2 elements a pixel → [B, H, W, C2] */
template <typename T>
void copy_beside(const Sizes& s, const T* from, int64_t stride, int64_t channels, T* to) {
  at::parallel_for(0, s.batch * s.out_height * s.out_width, row_grain(channels), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) std::copy_n(from + (i + 1) * stride - channels, channels, to + i * channels);
  });
}

}  // namespace

Tensor resize_bilinear_cpu(const Tensor& input, IntArrayRef size, bool row_major) {
  check_resize(input, size);
  const auto type = compute_type(input);
  const Sizes s(input.sizes(), size[0], size[1]);
  const bool by_pixels = !row_major && is_channels_last(input);
  const Tensor x = by_pixels ? channels_last(input, type) : row_major_of(input, type);
  const Tensor y =
      at::empty({s.batch, s.channels, s.out_height, s.out_width}, x.options().memory_format(format_if(by_pixels)));
  AT_DISPATCH_FLOATING_TYPES(type, "resize_bilinear", [&] {
    const scalar_t* in = x.data_ptr<scalar_t>();
    scalar_t* out = y.data_ptr<scalar_t>();
    if (by_pixels)
      enlarge_pixels<scalar_t>(s, in, {nullptr, 0}, out);
    else
      enlarge_planes(s, in, out);
  });
  return y.to(input.scalar_type());
}

Tensor resize_bilinear_backward_cpu(const Tensor& gradient, IntArrayRef input_size, bool channels_last_input) {
  const auto type = compute_type(gradient);
  const Sizes s(input_size, gradient.size(2), gradient.size(3));
  // The gradient is big and the answer small: it is read in the layout it comes in.
  const bool by_pixels = is_channels_last(gradient);
  const Tensor dy = by_pixels ? channels_last(gradient, type) : row_major_of(gradient, type);
  const Tensor dx = at::empty(input_size, dy.options().memory_format(format_if(by_pixels)));
  AT_DISPATCH_FLOATING_TYPES(type, "resize_bilinear_backward", [&] {
    const scalar_t* from = dy.data_ptr<scalar_t>();
    scalar_t* to = dx.data_ptr<scalar_t>();
    if (by_pixels)
      gather_pixels(s, from, s.channels, to);
    else
      gather_planes(s, from, to);
  });
  const Tensor in_layout = channels_last_input ? channels_last(dx, type).permute({0, 3, 1, 2}) : row_major_of(dx, type);
  return in_layout.to(gradient.scalar_type());
}

Tensor resize_bilinear_cat_cpu(const Tensor& input, const Tensor& skip) {
  check_resize_cat(input, skip);
  const auto type = compute_type(input);
  const Sizes s(input.sizes(), skip.size(2), skip.size(3));
  const int64_t beside = skip.size(1);
  const Tensor x = channels_last(input, type), detail = channels_last(skip, type);
  const Tensor y = at::empty({s.batch, s.channels + beside, s.out_height, s.out_width},
                             x.options().memory_format(at::MemoryFormat::ChannelsLast));
  AT_DISPATCH_FLOATING_TYPES(type, "resize_bilinear_cat", [&] {
    enlarge_pixels<scalar_t>(s, x.data_ptr<scalar_t>(), {detail.data_ptr<scalar_t>(), beside}, y.data_ptr<scalar_t>());
  });
  return y.to(input.scalar_type());
}

std::tuple<Tensor, Tensor> resize_bilinear_cat_backward_cpu(const Tensor& gradient, IntArrayRef input_size) {
  const auto type = compute_type(gradient);
  const Sizes s(input_size, gradient.size(2), gradient.size(3));
  const int64_t stride = gradient.size(1), beside = stride - s.channels;
  const Tensor dy = channels_last(gradient, type);
  const auto options = dy.options().memory_format(at::MemoryFormat::ChannelsLast);
  const Tensor dx = at::empty(input_size, options);
  const Tensor dskip = at::empty({s.batch, beside, s.out_height, s.out_width}, options);
  AT_DISPATCH_FLOATING_TYPES(type, "resize_bilinear_cat_backward", [&] {
    const scalar_t* from = dy.data_ptr<scalar_t>();
    gather_pixels(s, from, stride, dx.data_ptr<scalar_t>());
    copy_beside(s, from, stride, beside, dskip.data_ptr<scalar_t>());
  });
  return {dx.to(gradient.scalar_type()), dskip.to(gradient.scalar_type())};
}

}  // namespace adsam
