#include "attention/attention.h"
#include "attention/windows.h"

namespace adsam {
namespace {

/** Gradients of a spread table [size, size, D] → of the table [2·size - 1, D]: each distance occurs on a diagonal. */
Tensor gather_table(const Tensor& spread) {
  const int64_t size = spread.size(0);
  const Tensor position = at::arange(size, spread.options().dtype(at::kLong));
  const Tensor distance = position.unsqueeze(1) - position.unsqueeze(0) + (size - 1);
  return at::zeros({2 * size - 1, spread.size(2)}, spread.options())
      .index_add(0, distance.flatten(), spread.reshape({size * size, spread.size(2)}));
}

/** From the gradient of row_terms [G, h, w, h]: adds to that of the positions [h, h, D], and returns that of q [G, h, w, D]. */
Tensor row_terms_backward(const Tensor& gradient, const Tensor& q, const Tensor& positions, Tensor& positions_gradient) {
  const int64_t groups = q.size(0), height = q.size(1), width = q.size(2), dim = q.size(3);
  const Tensor terms = gradient.permute({1, 0, 2, 3}).reshape({height, groups * width, height});
  const Tensor by_row = q.permute({1, 0, 2, 3}).reshape({height, groups * width, dim});
  positions_gradient.baddbmm_(terms.transpose(1, 2), by_row);
  return terms.bmm(positions).reshape({height, groups, width, dim}).permute({1, 0, 2, 3});
}

}  // namespace

AttentionGradients rel_pos_attention_backward(const Tensor& gradient, const Tensor& qkv, const Tensor& rel_pos_h,
                                              const Tensor& rel_pos_w, const Optional<Tensor>& outside,
                                              int64_t num_heads, IntArrayRef window, std::array<bool, 4> wanted) {
  const auto g = rel_pos_geometry(qkv, rel_pos_h, rel_pos_w, outside, num_heads, window);
  const auto type = compute_type(qkv);
  const int64_t height = g.window_height, width = g.window_width, keys = g.keys();
  const Tensor windows = to_windows(g, qkv.to(type), outside);  // [3, G, keys, D]
  // A position beyond the map passes nothing on.
  const Tensor padded = at::constant_pad_nd(gradient.to(type), {0, 0, 0, g.extra_width(), 0, g.extra_height()});
  const Tensor out_gradient = padded.reshape({g.batch, g.down, height, g.across, width, g.heads, g.dim})
                                  .permute({0, 1, 3, 5, 2, 4, 6})
                                  .reshape({windows.size(1), keys, g.dim});
  const Tensor rows = spread_table(rel_pos_h.to(type), height), columns = spread_table(rel_pos_w.to(type), width);
  Tensor rows_gradient = at::zeros_like(rows), columns_gradient = at::zeros_like(columns);
  const Tensor windows_gradient = at::empty_like(windows);
  const double scale = 1 / std::sqrt(static_cast<double>(g.dim));

  const int64_t groups = windows.size(1), step = std::max<int64_t>(1, kChunkElements / (keys * keys));
  for (int64_t first = 0; first < groups; first += step) {
    const int64_t count = std::min(step, groups - first);
    const auto part = [&](const Tensor& tensor) { return tensor.narrow(0, first, count); };
    const Tensor q = part(windows[0]), k = part(windows[1]), v = part(windows[2]), d_out = part(out_gradient);
    const Tensor map = q.reshape({count, height, width, g.dim}), map_turned = map.transpose(1, 2);

    Tensor weights = at::empty({count, keys, keys}, q.options());
    at::bmm_out(weights, q * scale, k.transpose(1, 2));
    Tensor tiles = weights.view({count, height, width, height, width});
    tiles.add_(row_terms(map, rows).unsqueeze(-1));
    tiles.add_(row_terms(map_turned, columns).transpose(1, 2).unsqueeze(-2));
    weights = weights.softmax(-1);

    Tensor d_logits = d_out.bmm(v.transpose(1, 2));  // of the weights, for now
    part(windows_gradient[2]).copy_(weights.transpose(1, 2).bmm(d_out));
    d_logits.mul_(weights);
    d_logits.sub_(weights.mul_(d_logits.sum(-1, /*keepdim=*/true)));
    tiles = d_logits.view({count, height, width, height, width});
    const Tensor d_rows = tiles.sum(-1), d_columns = tiles.sum(-2);
    Tensor d_q = d_logits.bmm(k).mul_(scale).view({count, height, width, g.dim});
    d_q.add_(row_terms_backward(d_rows, map, rows, rows_gradient));
    d_q.add_(row_terms_backward(d_columns.transpose(1, 2), map_turned, columns, columns_gradient).transpose(1, 2));
    part(windows_gradient[0]).copy_(d_q.view({count, keys, g.dim}));
    part(windows_gradient[1]).copy_(d_logits.transpose(1, 2).bmm(q).mul_(scale));
  }

  AttentionGradients result;
  // [3, B, down, across, heads, wh, ww, D] → [B, down·wh, across·ww, 3·C]
  const Tensor whole = windows_gradient.reshape({3, g.batch, g.down, g.across, g.heads, height, width, g.dim})
                           .permute({1, 2, 5, 3, 6, 0, 4, 7})
                           .reshape({g.batch, g.down * height, g.across * width, 3 * g.channels()});
  const Tensor inside = whole.narrow(1, 0, g.height).narrow(2, 0, g.width);
  if (wanted[0]) std::get<0>(result) = inside.contiguous().to(qkv.scalar_type());
  if (wanted[1]) std::get<1>(result) = gather_table(rows_gradient).to(rel_pos_h.scalar_type());
  if (wanted[2]) std::get<2>(result) = gather_table(columns_gradient).to(rel_pos_w.scalar_type());
  if (wanted[3] && outside.has_value()) {
    Tensor beyond = at::zeros({3 * g.channels()}, whole.options());
    if (g.extra_height() > 0) beyond += whole.narrow(1, g.height, g.extra_height()).sum(IntArrayRef{0, 1, 2});
    if (g.extra_width() > 0)
      beyond += whole.narrow(1, 0, g.height).narrow(2, g.width, g.extra_width()).sum(IntArrayRef{0, 1, 2});
    std::get<3>(result) = beyond.to(outside->scalar_type());
  }
  return result;
}

}  // namespace adsam
