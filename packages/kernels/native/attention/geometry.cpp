#include "attention/geometry.h"

#include "common/check.h"

namespace adsam {

RelPosGeometry rel_pos_geometry(const Tensor& qkv, const Tensor& rel_pos_h, const Tensor& rel_pos_w,
                                const Optional<Tensor>& outside, int64_t num_heads, IntArrayRef window) {
  constexpr auto op = "rel_pos_attention";
  check_rank(op, "qkv", "[B, H, W, 3·C]", qkv, 4);
  check_floating(op, "qkv", qkv);
  ADSAM_CHECK(qkv.numel() > 0, c10::str(op, " qkv"), c10::str("shape ", qkv.sizes()), "no empty dimension",
              "Give it a map of at least one position.");
  ADSAM_CHECK(num_heads > 0 && qkv.size(3) % (3 * num_heads) == 0, c10::str(op, " num_heads"), num_heads,
              c10::str("a number that divides a third of qkv's ", qkv.size(3), " channels"),
              "qkv holds queries, keys and values, each [num_heads, head_dim].");
  ADSAM_CHECK(window.size() == 2 && window[0] > 0 && window[1] > 0, c10::str(op, " window"), window,
              "its height and width", "A window as large as the map attends globally.");
  RelPosGeometry g{};
  g.batch = qkv.size(0), g.height = qkv.size(1), g.width = qkv.size(2);
  g.heads = num_heads, g.dim = qkv.size(3) / (3 * num_heads);
  g.window_height = window[0], g.window_width = window[1];
  g.down = (g.height + window[0] - 1) / window[0], g.across = (g.width + window[1] - 1) / window[1];
  constexpr auto table = "A table holds a row for each distance in a window, from -(size - 1) to size - 1; interpolate it first.";
  check_shape(op, "rel_pos_h", "[2·window height - 1, head_dim]", rel_pos_h, {2 * g.window_height - 1, g.dim}, table);
  check_shape(op, "rel_pos_w", "[2·window width - 1, head_dim]", rel_pos_w, {2 * g.window_width - 1, g.dim}, table);
  for (const Tensor* one : {&rel_pos_h, &rel_pos_w}) check_same_device(op, "relative positions", *one, "qkv", qkv);
  if (outside.has_value()) {
    check_shape(op, "outside", "[3·C]", *outside, {qkv.size(3)}, "It is the qkv layer's bias: what that layer makes of zeros.");
    check_same_device(op, "outside", *outside, "qkv", qkv);
  }
  return g;
}

}  // namespace adsam
