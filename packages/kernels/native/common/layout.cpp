#include "common/layout.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "common/on_cpu.h"

namespace adsam {
namespace {

constexpr int64_t kTile = 16;

/**
 * A tile of at most kTile × kTile, transposed. Through a buffer, since rows of a picture whose size is a power of two
 * fall on the same few lines of the cache. A full tile has constant bounds, which the compiler turns into vector code.
 */
template <bool full, typename T>
ADSAM_INLINE void transpose_tile(const T* in, int64_t rows, int64_t columns, int64_t height, int64_t width, T* out) {
  T tile[kTile][kTile];
  if (full) height = width = kTile;
  for (int64_t r = 0; r < height; ++r)
    for (int64_t c = 0; c < width; ++c) tile[r][c] = in[r * columns + c];
  for (int64_t c = 0; c < width; ++c)
    for (int64_t r = 0; r < height; ++r) out[c * rows + r] = tile[r][c];
}

/** Columns [begin, end) of [rows, columns] → rows [begin, end) of [columns, rows]. */
template <typename T>
ADSAM_INLINE void transpose_impl(const T* in, int64_t rows, int64_t columns, int64_t begin, int64_t end, T* out) {
  for (int64_t c = begin; c < end; c += kTile)
    for (int64_t r = 0; r < rows; r += kTile) {
      const int64_t height = std::min(kTile, rows - r), width = std::min(kTile, end - c);
      const T* from = in + r * columns + c;
      T* to = out + c * rows + r;
      if (height == kTile && width == kTile)
        transpose_tile<true>(from, rows, columns, height, width, to);
      else
        transpose_tile<false>(from, rows, columns, height, width, to);
    }
}

/** Dense `in`, B matrices [rows, columns], → `out`, B matrices [columns, rows], on all threads. */
void transpose_all(const Tensor& in, int64_t batch, int64_t rows, int64_t columns, const Tensor& out) {
  const int64_t strip = 8 * kTile, strips = at::divup(columns, strip);
  AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), "transpose", [&] {
    const scalar_t* from = in.data_ptr<scalar_t>();
    scalar_t* to = out.data_ptr<scalar_t>();
    at::parallel_for(0, batch * strips, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t matrix = task / strips * rows * columns, first = task % strips * strip;
        on_cpu<transpose_impl<scalar_t>>(from + matrix, rows, columns, first, std::min(first + strip, columns),
                                         to + matrix);
      }
    });
  });
}

}  // namespace

Tensor channels_last(const Tensor& tensor, at::ScalarType type) {
  const Tensor view = tensor.permute({0, 2, 3, 1});
  if (view.is_contiguous()) return view.to(type);
  const Tensor dense_tensor = dense(tensor, type);
  const Tensor result = at::empty(view.sizes(), dense_tensor.options().memory_format(at::MemoryFormat::Contiguous));
  transpose_all(dense_tensor, tensor.size(0), tensor.size(1), tensor.size(2) * tensor.size(3), result);
  return result;
}

Tensor channels_first(const Tensor& tensor, at::MemoryFormat format) {
  const Tensor view = tensor.permute({0, 3, 1, 2});
  if (view.is_contiguous(format)) return view;
  const Tensor result = at::empty(view.sizes(), tensor.options().memory_format(at::MemoryFormat::Contiguous));
  transpose_all(tensor, view.size(0), view.size(2) * view.size(3), view.size(1), result);
  return result.contiguous(format);
}

}  // namespace adsam
