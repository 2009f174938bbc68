#include "common/layout.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "common/cpu_clones.h"

namespace adsam {
namespace {

constexpr int64_t kTile = 16;

/** Columns [begin, end) of [rows, columns] → rows [begin, end) of [columns, rows], in tiles that fit the registers. */
template <typename T>
ADSAM_INLINE void transpose_impl(const T* in, int64_t rows, int64_t columns, int64_t begin, int64_t end, T* out) {
  T tile[kTile][kTile];
  for (int64_t c0 = begin; c0 < end; c0 += kTile)
    for (int64_t r0 = 0; r0 < rows; r0 += kTile) {
      const int64_t width = std::min(kTile, end - c0), height = std::min(kTile, rows - r0);
      // Through a buffer: rows of a picture whose size is a power of two fall on the same few lines of the cache.
      for (int64_t r = 0; r < height; ++r)
        for (int64_t c = 0; c < width; ++c) tile[r][c] = in[(r0 + r) * columns + c0 + c];
      for (int64_t c = 0; c < width; ++c)
        for (int64_t r = 0; r < height; ++r) out[(c0 + c) * rows + r0 + r] = tile[r][c];
    }
}

ADSAM_CPU_CLONES void transpose(const float* in, int64_t rows, int64_t columns, int64_t begin, int64_t end,
                                float* out) {
  transpose_impl(in, rows, columns, begin, end, out);
}
ADSAM_CPU_CLONES void transpose(const double* in, int64_t rows, int64_t columns, int64_t begin, int64_t end,
                                double* out) {
  transpose_impl(in, rows, columns, begin, end, out);
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
        transpose(from + matrix, rows, columns, first, std::min(first + strip, columns), to + matrix);
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
