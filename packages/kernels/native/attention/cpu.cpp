#include "attention/attention.h"
#include "attention/geometry.h"
#include "common/tasks.h"
#include "panels/kernels.h"

namespace adsam {
namespace {

AttentionProblem problem_of(const RelPosGeometry& g) {
  AttentionProblem p{};
  p.batch = g.batch, p.height = g.height, p.width = g.width, p.heads = g.heads, p.dim = g.dim;
  p.window_height = g.window_height, p.window_width = g.window_width, p.down = g.down, p.across = g.across;
  return p;
}

/** Pairs of a window and a head: each attends within itself. */
int64_t groups_of(const AttentionProblem& p) { return p.batch * p.down * p.across * p.heads; }

/** Many small groups: a thread packs one's keys and values into memory of its own, and attends all its queries. */
void attend_group_by_group(const AttentionFunctions& f, const AttentionProblem& p) {
  const int64_t packed_bytes = (f.group_bytes(p) + 63) / 64 * 64;
  run_tasks(groups_of(p), packed_bytes + f.scratch_bytes(p), [&](int64_t group, char* scratch) {
    f.pack_group(p, group, 0, f.blocks(p), scratch);
    const int64_t tiles = f.tiles(p, group);
    for (int64_t tile = 0; tile < tiles; ++tile) f.attend(p, group, tile, scratch, scratch + packed_bytes);
  });
}

/** Few large groups: all are packed, then all their tiles of queries are shared out. */
void attend_tile_by_tile(const AttentionFunctions& f, const AttentionProblem& p) {
  const int64_t group_bytes = (f.group_bytes(p) + 63) / 64 * 64, blocks = f.blocks(p);
  const AlignedBytes packed(groups_of(p) * group_bytes);
  run_tasks(groups_of(p) * blocks, 0, [&](int64_t task, char*) {
    const int64_t group = task / blocks, block = task % blocks;
    f.pack_group(p, group, block, block + 1, packed.data() + group * group_bytes);
  });
  std::vector<std::pair<int64_t, int64_t>> tiles;
  for (int64_t group = 0; group < groups_of(p); ++group)
    for (int64_t tile = 0, count = f.tiles(p, group); tile < count; ++tile) tiles.emplace_back(group, tile);
  run_tasks(static_cast<int64_t>(tiles.size()), f.scratch_bytes(p), [&](int64_t task, char* scratch) {
    const auto [group, tile] = tiles[task];
    f.attend(p, group, tile, packed.data() + group * group_bytes, scratch);
  });
}

}  // namespace

Tensor rel_pos_attention_cpu(const Tensor& qkv, const Tensor& rel_pos_h, const Tensor& rel_pos_w,
                             const Optional<Tensor>& outside, int64_t num_heads, IntArrayRef window) {
  const auto g = rel_pos_geometry(qkv, rel_pos_h, rel_pos_w, outside, num_heads, window);
  if (qkv.scalar_type() == at::kDouble)
    return rel_pos_attention_composite(qkv, rel_pos_h, rel_pos_w, outside, num_heads, window);
  const auto type = qkv.scalar_type() == at::kBFloat16 ? at::kBFloat16 : at::kFloat;
  const auto& f = type == at::kFloat ? panel_kernels().attention.single : panel_kernels().attention.low;
  const Tensor input = dense(qkv, type), rows = dense(rel_pos_h, type), columns = dense(rel_pos_w, type);
  const Tensor beyond =
      outside.has_value() ? dense(*outside, type) : at::zeros({3 * g.channels()}, input.options());
  Tensor out = at::empty({g.batch, g.height, g.width, g.channels()}, input.options());

  AttentionProblem p = problem_of(g);
  p.qkv = input.data_ptr(), p.outside = beyond.data_ptr(), p.out = out.data_ptr();
  const AlignedBytes row_table(f.table_bytes(rows.size(0), g.dim)), column_table(f.table_bytes(columns.size(0), g.dim));
  f.pack_table(rows.data_ptr(), rows.size(0), g.dim, row_table.data());
  f.pack_table(columns.data_ptr(), columns.size(0), g.dim, column_table.data());
  p.row_table = row_table.data(), p.column_table = column_table.data();
  // A group at a time keeps the memory small, but needs several for each thread to balance.
  if (groups_of(p) >= 8 * at::get_num_threads())
    attend_group_by_group(f, p);
  else
    attend_tile_by_tile(f, p);
  return out.to(qkv.scalar_type());
}

}  // namespace adsam
