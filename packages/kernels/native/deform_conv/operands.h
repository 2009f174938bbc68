#pragma once

#include <algorithm>

#include "common/layout.h"
#include "deform_conv/plan.h"

namespace adsam {

inline int64_t most_columns(const std::vector<Chunk>& chunks) {
  int64_t most = 0;
  for (const Chunk& chunk : chunks) most = std::max(most, chunk.columns());
  return most;
}

/** Picture, offset and mask as the kernels read them; no copy of what has the right type and, the picture, layout. */
template <typename T>
struct DeformOperands {
  Tensor pictures, offset, mask, zeros;

  DeformOperands(const DeformGeometry& g, const Tensor& input, const Tensor& offset_, const Tensor& mask_) {
    const auto type = c10::CppTypeToScalarType<T>::value;
    pictures = channels_last(input, type);  // [B, H, W, C]
    offset = offset_.to(type);
    if (mask_.defined()) mask = mask_.to(type);
    zeros = at::zeros({g.channels}, pictures.options());
  }

  Pixels<T> pixels(int64_t b, int64_t channel) const {
    return {pictures.data_ptr<T>() + b * pictures.stride(0) + channel, pictures.stride(2), zeros.data_ptr<T>()};
  }

  ColumnJob<T> job(const DeformGeometry& g, const Chunk& chunk, int64_t b, const Tile2d& tile, T* columns,
                   int64_t columns_stride) const {
    return {g,       chunk,         tile, map_view<const T>(offset, b), map_view<const T>(mask, b),
            pixels(b, chunk.run.first), columns, columns_stride};
  }
};

}  // namespace adsam
