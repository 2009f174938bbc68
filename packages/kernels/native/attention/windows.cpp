#include "attention/windows.h"

namespace adsam {

Tensor to_windows(const RelPosGeometry& g, const Tensor& qkv, const Optional<Tensor>& outside) {
  Tensor map = qkv;
  if (g.overhangs()) {
    const Tensor beyond =
        outside.has_value() ? outside->to(qkv.scalar_type()) : at::zeros({3 * g.channels()}, qkv.options());
    if (g.extra_width() > 0)
      map = at::cat({map, beyond.expand({g.batch, g.height, g.extra_width(), -1})}, 2);
    if (g.extra_height() > 0)
      map = at::cat({map, beyond.expand({g.batch, g.extra_height(), map.size(2), -1})}, 1);
  }
  // [B, down, wh, across, ww, 3, heads, D] → [3, B, down, across, heads, wh, ww, D]
  return map
      .reshape({g.batch, g.down, g.window_height, g.across, g.window_width, 3, g.heads, g.dim})
      .permute({5, 0, 1, 3, 6, 2, 4, 7})
      .reshape({3, g.windows() * g.heads, g.keys(), g.dim});
}

Tensor from_windows(const RelPosGeometry& g, const Tensor& tensor) {
  // [B, down, across, heads, wh, ww, D] → [B, down, wh, across, ww, heads, D]
  return tensor.reshape({g.batch, g.down, g.across, g.heads, g.window_height, g.window_width, g.dim})
      .permute({0, 1, 4, 2, 5, 3, 6})
      .reshape({g.batch, g.down * g.window_height, g.across * g.window_width, g.channels()})
      .narrow(1, 0, g.height)
      .narrow(2, 0, g.width)
      .contiguous();
}

Tensor spread_table(const Tensor& table, int64_t size) {
  const Tensor position = at::arange(size, table.options().dtype(at::kLong));
  const Tensor distance = position.unsqueeze(1) - position.unsqueeze(0) + (size - 1);
  return table.index_select(0, distance.flatten()).reshape({size, size, table.size(1)});
}

Tensor row_terms(const Tensor& q, const Tensor& positions) {
  const int64_t groups = q.size(0), height = q.size(1), width = q.size(2);
  const Tensor by_row = q.permute({1, 0, 2, 3}).reshape({height, groups * width, q.size(3)});
  return by_row.bmm(positions.transpose(1, 2)).reshape({height, groups, width, height}).permute({1, 0, 2, 3});
}

}  // namespace adsam
