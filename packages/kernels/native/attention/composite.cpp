#include <torch/version.h>

#include "attention/attention.h"
#include "attention/windows.h"

namespace adsam {
namespace {

/** The two relative terms of q [G, keys, D]: [G, keys, window height] and [G, keys, window width]. */
std::pair<Tensor, Tensor> relative_terms(const RelPosGeometry& g, const Tensor& q, const Tensor& rows,
                                         const Tensor& columns) {
  const int64_t groups = q.size(0);
  const Tensor map = q.reshape({groups, g.window_height, g.window_width, g.dim});
  return {row_terms(map, rows).reshape({groups, g.keys(), g.window_height}),
          row_terms(map.transpose(1, 2), columns).transpose(1, 2).reshape({groups, g.keys(), g.window_width})};
}

#if TORCH_VERSION_MAJOR >= 2

/**
 * The relative terms ride in the head dimension: a query is followed by its terms, a key by a one for its row and a one for its
 * column, so that their dot product is the whole logit and libtorch's fused attention applies.
 */
Tensor attend(const RelPosGeometry& g, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& rows,
              const Tensor& columns) {
  const int64_t groups = q.size(0), used = g.dim + g.window_height + g.window_width;
  const int64_t padding = -used & 7;  // the fused kernels want a multiple of eight
  const double scale = std::sqrt(static_cast<double>(used + padding));  // which libtorch divides by
  const auto [by_row, by_column] = relative_terms(g, q, rows, columns);
  const Tensor rest = at::zeros({1, 1, padding}, q.options()).expand({groups, g.keys(), padding});
  const Tensor query = at::cat({q * (scale / std::sqrt(static_cast<double>(g.dim))), by_row * scale, by_column * scale, rest}, -1);
  const Tensor row = at::eye(g.window_height, q.options()).repeat_interleave(g.window_width, 0);  // [keys, height]
  const Tensor column = at::eye(g.window_width, q.options()).repeat({g.window_height, 1});        // [keys, width]
  const Tensor key = at::cat({k, at::cat({row, column}, -1).expand({groups, -1, -1}), rest}, -1);
  return at::scaled_dot_product_attention(query.unsqueeze(1), key.unsqueeze(1), v.unsqueeze(1)).squeeze(1);
}

#else

/** softmax(q·kᵀ/√D + rows + columns)·v, a few heads at a time. */
Tensor attend(const RelPosGeometry& g, const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& rows,
              const Tensor& columns) {
  const int64_t groups = q.size(0), step = std::max<int64_t>(1, kChunkElements / (g.keys() * g.keys()));
  std::vector<Tensor> parts;
  for (int64_t first = 0; first < groups; first += step) {
    const int64_t count = std::min(step, groups - first);
    const Tensor query = q.narrow(0, first, count);
    const auto [by_row, by_column] = relative_terms(g, query, rows, columns);
    const Tensor logits = (query * (1 / std::sqrt(static_cast<double>(g.dim)))).bmm(k.narrow(0, first, count).transpose(1, 2));
    const Tensor whole = logits.reshape({count, g.keys(), g.window_height, g.window_width}) + by_row.unsqueeze(-1) +
                         by_column.unsqueeze(-2);
    parts.push_back(whole.reshape({count, g.keys(), g.keys()}).softmax(-1).bmm(v.narrow(0, first, count)));
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

#endif

}  // namespace

Tensor rel_pos_attention_composite(const Tensor& qkv, const Tensor& rel_pos_h, const Tensor& rel_pos_w,
                                   const Optional<Tensor>& outside, int64_t num_heads, IntArrayRef window) {
  const auto g = rel_pos_geometry(qkv, rel_pos_h, rel_pos_w, outside, num_heads, window);
  const Tensor windows = to_windows(g, qkv, outside);
  const Tensor rows = spread_table(rel_pos_h.to(qkv.scalar_type()), g.window_height);
  const Tensor columns = spread_table(rel_pos_w.to(qkv.scalar_type()), g.window_width);
  return from_windows(g, attend(g, windows[0], windows[1], windows[2], rows, columns));
}

}  // namespace adsam
