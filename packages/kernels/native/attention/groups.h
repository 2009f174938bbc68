#pragma once

#include "attention/problem.h"
#include "panels/pack.h"

/** What attention reads: a group's keys and values and the tables of relative positions, packed for its products. */
namespace adsam::ADSAM_ISA {

template <class Unit>
struct AttentionGroups {
  using Stored = typename Operand<Unit>::Stored;
  using Problem = AttentionProblem;

  /** Keys whose scores lie in memory at once: 32 kB of them stay near. */
  static constexpr int64_t kBlockKeys = 256;

  /** Where a group's packed keys and values lie: blocks of whole rows of the window, in units. */
  struct Layout {
    int64_t units, rows, keys, key_units, stride, blocks;

    explicit Layout(const Problem& p) : units(Operand<Unit>::units(p.dim)) {
      rows = kBlockKeys / p.window_width;
      if (rows < 1) rows = 1;
      // A pair of keys is one unit: it may not reach from one block into the next.
      if (rows * p.window_width % 2 != 0) ++rows;
      if (rows > p.window_height) rows = p.window_height;
      keys = rows * p.window_width;
      key_units = keys * units + kLanes;
      stride = key_units + Operand<Unit>::units(keys) * p.dim + kLanes;
      blocks = (p.window_height + rows - 1) / rows;
    }
  };

  /** A picture's window and head, and where its rows lie. */
  struct Group {
    const Problem& p;
    int64_t head, top, left;
    int64_t height, width;  // of what the window has inside the map
    const Stored* picture;

    Group(const Problem& problem, int64_t group) : p(problem) {
      head = group % p.heads;
      const int64_t window = group / p.heads;
      left = window % p.across * p.window_width;
      top = window / p.across % p.down * p.window_height;
      height = p.height - top < p.window_height ? p.height - top : p.window_height;
      width = p.width - left < p.window_width ? p.width - left : p.window_width;
      picture = static_cast<const Stored*>(p.qkv) + window / p.across / p.down * p.height * p.width * 3 * p.heads * p.dim;
    }
    int64_t queries() const { return height * width; }
    int64_t place(int64_t y, int64_t x) const { return (top + y) * p.width + left + x; }

    /** The query (part 0), key (1) or value (2) at row y and column x of the window. */
    const Stored* row(int64_t part, int64_t y, int64_t x) const {
      if (y < height && x < width) return picture + ((place(y, x) * 3 + part) * p.heads + head) * p.dim;
      return static_cast<const Stored*>(p.outside) + (part * p.heads + head) * p.dim;
    }
  };

  /** `total` cut into as few parts of at most kRows as will do, of nearly equal size. */
  struct Parts {
    int64_t count, size, larger;
    explicit Parts(int64_t total) : count((total + kRows - 1) / kRows), size(total / count), larger(total % count) {}
    int64_t operator[](int64_t i) const { return size + (i < larger ? 1 : 0); }
  };

  static int64_t table_panel(int64_t dim) { return Operand<Unit>::units(dim) * kRows + kLanes; }
  static int64_t table_bytes(int64_t rows, int64_t dim) {
    return (rows + kRows - 1) / kRows * table_panel(dim) * int64_t{sizeof(Unit)};
  }

  static void pack_table(const void* table, int64_t rows, int64_t dim, void* packed) {
    const Stored* from[kRows + kLanes];
    for (int64_t first = 0; first < rows; first += kRows) {
      for (int64_t i = 0; i < kRows + kLanes; ++i)
        from[i] = static_cast<const Stored*>(table) + (first + i < rows ? first + i : rows - 1) * dim;
      pack<Unit, Stored>(static_cast<Unit*>(packed) + first / kRows * table_panel(dim), kRows, from, kRows, dim);
    }
  }

  static int64_t blocks(const Problem& p) { return Layout(p).blocks; }
  static int64_t group_bytes(const Problem& p) {
    const Layout layout(p);
    return layout.blocks * layout.stride * int64_t{sizeof(Unit)};
  }

  static void pack_values(const Group& group, int64_t first, int64_t keys, float* to) {
    const Problem& p = group.p;
    for (int64_t key = first; key < first + keys; ++key, to += p.dim)
      __builtin_memcpy(to, group.row(2, key / p.window_width, key % p.window_width), p.dim * sizeof(float));
  }
  static void pack_values(const Group& group, int64_t first, int64_t keys, Pair* to) {
    const Problem& p = group.p;
    for (int64_t key = first; key < first + keys; key += 2, to += p.dim) {
      const uint16_t* even = group.row(2, key / p.window_width, key % p.window_width);
      // Without a second key its weight is zero; the value must only be a number.
      const bool two = key + 1 < first + keys;
      const uint16_t* odd = two ? group.row(2, (key + 1) / p.window_width, (key + 1) % p.window_width) : even;
      for (int64_t d = 0; d < p.dim; ++d) to[d] = even[d] | (two ? Pair{odd[d]} << 16 : 0);
    }
  }

  static void pack_group(const Problem& p, int64_t number, int64_t begin, int64_t end, void* packed) {
    const Layout layout(p);
    const Group group(p, number);
    const Parts parts(p.window_width);
    for (int64_t block = begin; block < end; ++block) {
      Unit* to = static_cast<Unit*>(packed) + block * layout.stride;
      const int64_t top = block * layout.rows;
      const int64_t rows = layout.rows < p.window_height - top ? layout.rows : p.window_height - top;
      Unit* keys = to;
      for (int64_t y = top; y < top + rows; ++y)
        for (int64_t part = 0, x = 0; part < parts.count; x += parts[part++]) {
          const Stored* from[kRows + kLanes];
          for (int64_t i = 0; i < kRows + kLanes; ++i) from[i] = group.row(1, y, x + (i < parts[part] ? i : 0));
          pack<Unit, Stored>(keys, parts[part], from, parts[part], p.dim);
          keys += parts[part] * layout.units;
        }
      pack_values(group, top * p.window_width, rows * p.window_width, to + layout.key_units);
    }
  }
};

}  // namespace adsam::ADSAM_ISA
