#include "ms_deform_attn/ms_deform_attn.h"

namespace adsam {

/**
 * Multi-scale deformable attention in plain operators, to be read beside the fast one (Zhu et al., "Deformable DETR",
 * eq. 3): every query of a head blends nLevels·nPoints values, each read bilinearly at its own place in its own level,
 * zero outside.
 */
Tensor ms_deform_attn_composite(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                                const Tensor& attention_weights) {
  const auto g = attention_geometry(value, spatial_shapes, sampling_locations, attention_weights);
  const auto type = compute_type(value);
  const int64_t maps = g.batch * g.heads;
  // [B, S, nHeads, headDim] → [B·nHeads, headDim, S]
  const Tensor values = value.to(type).permute({0, 2, 3, 1}).reshape({maps, g.head_dim, g.positions});
  // [B, Lq, nHeads, nLevels, nPoints, 2] → nLevels × [B·nHeads, Lq, nPoints, 2], from [0, 1] to grid_sampler's [-1, 1]
  const Tensor grids =
      (2 * sampling_locations.to(type) - 1).permute({3, 0, 2, 1, 4, 5}).reshape({-1, maps, g.queries, g.points, 2});
  // [B, Lq, nHeads, nLevels, nPoints] → nLevels × [B·nHeads, 1, Lq, nPoints]
  const Tensor weights =
      attention_weights.to(type).permute({3, 0, 2, 1, 4}).reshape({-1, maps, 1, g.queries, g.points});

  Tensor sum;  // [B·nHeads, headDim, Lq]
  for (int64_t l = 0; l < g.level_count(); ++l) {
    const auto& level = g.levels[l];
    const Tensor map = values.narrow(2, level.start, level.height * level.width)
                           .reshape({maps, g.head_dim, level.height, level.width});
    const Tensor read =
        at::grid_sampler(map, grids[l], /*interpolation: bilinear*/ 0, /*padding: zeros*/ 0, /*align_corners*/ false);
    const Tensor part = (read * weights[l]).sum(-1);
    sum = sum.defined() ? sum + part : part;
  }
  // [B·nHeads, headDim, Lq] → [B, Lq, nHeads·headDim]
  return sum.reshape({g.batch, g.channels(), g.queries}).transpose(1, 2).contiguous().to(value.scalar_type());
}

}  // namespace adsam
