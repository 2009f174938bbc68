#pragma once

#include "attention/groups.h"
#include "panels/elementary.h"
#include "panels/multiply.h"

/**
 * Attention with decomposed relative positions (MViTv2, eq. 4; SAM), a tile of queries at a time: queries are the columns of
 * every product, so the running softmax is the same few operations for all of them and needs no sum across a vector.
 *
 *     scores[key][query]  = K·Qᵀ, started from the columns' relative term
 *     weights[key][query] = 2^((scores + rows' term − most)·scale)
 *     out[dim][query]     = out·2^((most before − most)·scale) + Vᵀ·weights
 *
 * Keys and values are packed once a group (picture, window, head); the tables of relative positions once a call.
 */
namespace adsam::ADSAM_ISA {

template <class Unit>
struct Attention {
  using Stored = typename Operand<Unit>::Stored;
  using Problem = AttentionProblem;
  using Groups = AttentionGroups<Unit>;
  using Group = typename Groups::Group;
  using Layout = typename Groups::Layout;
  using Parts = typename Groups::Parts;

  static int64_t tiles(const Problem& p, int64_t group) { return (Group(p, group).queries() + kColumns - 1) / kColumns; }

  /** Rows of a table's products with the queries: any run of positions, in whole panels. */
  static int64_t product_rows(int64_t size) { return ((2 * size - 1) / kRows + 2) * kRows; }

  static int64_t scratch_bytes(const Problem& p) {
    const Layout layout(p);
    const int64_t longer = p.window_height > p.window_width ? p.window_height : p.window_width;
    const int64_t rows = layout.units + p.dim + product_rows(longer) + p.window_height + p.window_width + layout.keys;
    return (rows * kColumns + 2 * kLanes) * int64_t{sizeof(float)};
  }

  /** A tile's queries: where each is in the window. Columns beyond the last repeat it. */
  struct Queries {
    int64_t count, vectors;
    int32_t y[kColumns], x[kColumns];
    int64_t y_first, y_last, x_first, x_last;

    Queries(const Group& group, int64_t tile) {
      const int64_t first = tile * kColumns, all = group.queries();
      count = all - first < kColumns ? all - first : kColumns;
      vectors = (count + kLanes - 1) / kLanes;
      for (int64_t i = 0; i < kColumns; ++i) {
        const int64_t query = first + (i < count ? i : count - 1);
        y[i] = static_cast<int32_t>(query / group.width), x[i] = static_cast<int32_t>(query % group.width);
      }
      y_first = y[0], y_last = y[kColumns - 1];
      x_first = y_first == y_last ? x[0] : 0;
      x_last = y_first == y_last ? x[kColumns - 1] : group.width - 1;
    }
  };

  /**
   * terms[key position][query] = root · (q · table[query position − key position + size − 1]), by the products of the queries with
   * every row of the table that any of them needs.
   */
  static void relative_terms(const Unit* table, int64_t size, int64_t dim, const Unit* q, const int32_t* position,
                             int64_t first, int64_t last, int64_t vectors, float root, float* products, float* terms) {
    alignas(64) static constexpr float none[kColumns] = {};
    const int64_t begin = first / kRows, end = (last + size - 1) / kRows + 1;
    for (int64_t panel = begin; panel < end; ++panel)
      multiply<Unit, Tile::plain>(kRows, vectors,
                                  {table + panel * Groups::table_panel(dim), kRows, q, Operand<Unit>::units(dim), none, 0,
                                   products + (panel - begin) * kRows * kColumns, kColumns, nullptr, nullptr});
    const int64_t base = size - 1 - begin * kRows;
    if (first == last) {
      for (int64_t key = 0; key < size; ++key)
        for (int64_t i = 0; i < kColumns; ++i)
          terms[key * kColumns + i] = root * products[(first - key + base) * kColumns + i];
      return;
    }
    int32_t start[kColumns];
    for (int i = 0; i < kColumns; ++i) start[i] = static_cast<int32_t>((position[i] + base) * kColumns + i);
    for (int64_t key = 0; key < size; ++key)
      for (int i = 0; i < kColumns; ++i) terms[key * kColumns + i] = root * products[start[i] - key * kColumns];
  }

  /** Scores of `rows` rows of keys → weights in the layout of the next product, in place; adds to their sums. */
  template <int N>
  static ADSAM_INLINE void soften(float* scores, int64_t rows, int64_t width, const float* row_terms, float scale,
                                  const Floats (&most)[N], Floats (&sum)[N]) {
    int64_t key = 0;
    Floats held[N] = {};
    for (int64_t y = 0; y < rows; ++y) {
      Floats shift[N];
      for (int v = 0; v < N; ++v) shift[v] = (load(row_terms + y * kColumns + v * kLanes) - most[v]) * scale;
      for (int64_t x = 0; x < width; ++x, ++key)
#pragma GCC unroll 2
        for (int v = 0; v < N; ++v) {
          float* at = scores + key * kColumns + v * kLanes;
          const Floats weight = exp2_of<Unit>(load(at) * scale + shift[v]);
          sum[v] += weight;
          if constexpr (sizeof(Stored) == sizeof(float))
            store(at, weight);
          else if (key % 2 == 0)
            held[v] = weight;
          else
            store(reinterpret_cast<Pair*>(scores) + key / 2 * kColumns + v * kLanes, paired(held[v], weight));
        }
    }
    if (sizeof(Stored) != sizeof(float) && key % 2 != 0)
      for (int v = 0; v < N; ++v)
        store(reinterpret_cast<Pair*>(scores) + key / 2 * kColumns + v * kLanes, paired(held[v], Floats{}));
  }

  template <int N>
  static ADSAM_INLINE void attend_tile(const Problem& p, const Group& group, const Queries& queries, const Unit* packed,
                                       float* scratch) {
    const Layout layout(p);
    const Parts parts(p.window_width), dims(p.dim);
    const int64_t height = p.window_height, width = p.window_width;
    const float root = __builtin_sqrtf(static_cast<float>(p.dim)), scale = 1.4426950408889634f / root;

    Unit* q = reinterpret_cast<Unit*>(scratch);                    // [units][kColumns]
    float* out = scratch + layout.units * kColumns + kLanes;       // [dim][kColumns]
    float* row_terms = out + p.dim * kColumns;                     // [height][kColumns]
    float* column_terms = row_terms + height * kColumns;           // [width][kColumns]
    float* scores = column_terms + width * kColumns;               // [keys][kColumns]
    float* products = scores + layout.keys * kColumns;

    const Stored* from[kColumns];
    for (int i = 0; i < kColumns; ++i) from[i] = group.row(0, queries.y[i], queries.x[i]);
    pack<Unit, Stored>(q, kColumns, from, kColumns, p.dim);
    relative_terms(static_cast<const Unit*>(p.row_table), height, p.dim, q, queries.y, queries.y_first, queries.y_last, N,
                   root, products, row_terms);
    relative_terms(static_cast<const Unit*>(p.column_table), width, p.dim, q, queries.x, queries.x_first,
                   queries.x_last, N, root, products, column_terms);

    Floats most[N], sum[N];
    for (int v = 0; v < N; ++v) most[v] = splat(-1e30f), sum[v] = Floats{};
    for (int64_t i = 0; i < p.dim * kColumns; ++i) out[i] = 0;

    for (int64_t block = 0; block < layout.blocks; ++block) {
      const Unit* keys = packed + block * layout.stride;
      const Unit* values = keys + layout.key_units;
      const int64_t top = block * layout.rows;
      const int64_t rows = layout.rows < height - top ? layout.rows : height - top;

      Floats next[N];
      for (int v = 0; v < N; ++v) next[v] = most[v];
      float* at = scores;
      for (int64_t y = top; y < top + rows; ++y) {
        alignas(64) float row_most[kColumns];
        for (float& x : row_most) x = -1e30f;
        for (int64_t part = 0, x = 0; part < parts.count; x += parts[part++]) {
          const int64_t some = parts[part];
          multiply<Unit, Tile::scores>(some, N, {keys, some, q, layout.units, column_terms + x * kColumns, kColumns, at,
                                                 kColumns, row_most, nullptr});
          keys += some * layout.units;
          at += some * kColumns;
        }
        for (int v = 0; v < N; ++v)
          next[v] = larger(load(row_most + v * kLanes) + load(row_terms + y * kColumns + v * kLanes), next[v]);
      }
      alignas(64) float factor[kColumns];
      for (int v = 0; v < N; ++v) {
        const Floats shrink = exp2_of<float>((most[v] - next[v]) * scale);
        store(factor + v * kLanes, shrink);
        sum[v] *= shrink;
        most[v] = next[v];
      }
      soften<N>(scores, rows, width, row_terms + top * kColumns, scale, most, sum);
      for (int64_t part = 0, d = 0; part < dims.count; d += dims[part++])
        multiply<Unit, Tile::scaled>(dims[part], N, {values + d, p.dim, reinterpret_cast<const Unit*>(scores),
                                                     Operand<Unit>::units(rows * width), out + d * kColumns, kColumns,
                                                     out + d * kColumns, kColumns, nullptr, factor});
    }

    Stored* to = static_cast<Stored*>(p.out) + (group.picture - static_cast<const Stored*>(p.qkv)) / 3;
    for (int v = 0; v < N; ++v) write(out + v * kLanes, sum[v], p, group, queries, v * kLanes, to);
  }

  static ADSAM_INLINE void put(float* to, Floats x) { store(to, x); }
  static ADSAM_INLINE void put(uint16_t* to, Floats x) { store(to, narrow(x)); }
  static ADSAM_INLINE void put_one(float* to, float x) { *to = x; }
  static ADSAM_INLINE void put_one(uint16_t* to, float x) { *to = narrow(x); }

  /** out[dim][query] / sum → the map's rows, for the kLanes queries from `first` on. */
  static void write(const float* out, Floats sum, const Problem& p, const Group& group, const Queries& queries,
                    int64_t first, Stored* to) {
    const Floats share = 1.f / sum;
    Stored* rows[kLanes];
    const int64_t count = queries.count - first < kLanes ? queries.count - first : kLanes;
    for (int64_t i = 0; i < count; ++i)
      rows[i] = to + (group.place(queries.y[first + i], queries.x[first + i]) * p.heads + group.head) * p.dim;
    int64_t d = 0;
    for (; d + kLanes <= p.dim; d += kLanes) {
      Floats block[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) block[i] = load(out + (d + i) * kColumns) * share;
      transpose(block);
      for (int64_t i = 0; i < count; ++i) put(rows[i] + d, block[i]);
    }
    for (; d < p.dim; ++d)
      for (int64_t i = 0; i < count; ++i) put_one(rows[i] + d, out[d * kColumns + i] * share[i]);
  }

  static void attend(const Problem& p, int64_t number, int64_t tile, const void* packed, void* scratch) {
    const Group group(p, number);
    const Queries queries(group, tile);
    const auto* units = static_cast<const Unit*>(packed);
    auto* floats = static_cast<float*>(scratch);
    if (queries.vectors == 1)
      attend_tile<1>(p, group, queries, units, floats);
    else
      attend_tile<2>(p, group, queries, units, floats);
  }

  static constexpr AttentionFunctions functions() {
    return {Groups::table_bytes, Groups::pack_table, Groups::group_bytes, Groups::blocks, Groups::pack_group,
            tiles,               scratch_bytes,      attend};
  }
};

}  // namespace adsam::ADSAM_ISA
