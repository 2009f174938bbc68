#pragma once

#include <cstdint>

/** Attention with decomposed relative positions, as plain numbers and pointers: what passes between driver and
 * instruction sets. No functions: the linker might share one instruction set's copy with all. */
namespace adsam {

/**
 * Queries, keys and values in one map qkv [B, H, W, 3, heads, D], dense; `window` cuts the map into windows from the upper left,
 * each attending within itself. A window that reaches beyond the map has keys and values there too: those of `outside`.
 */
struct AttentionProblem {
  const void* qkv;
  const void* outside;  // [3, heads, D] of qkv's type; read only where windows reach beyond the map
  int64_t batch, height, width, heads, dim;
  int64_t window_height, window_width, down, across;  // windows
  const void* row_table;     // relative positions, packed by pack_table
  const void* column_table;
  void* out;  // [B, H, W, heads, D] of qkv's type
};

/** One precision's functions. */
struct AttentionFunctions {
  /** Bytes of a packed table of `rows` × dim. */
  int64_t (*table_bytes)(int64_t rows, int64_t dim);
  void (*pack_table)(const void* table, int64_t rows, int64_t dim, void* packed);
  /** Bytes of one group's packed keys and values. */
  int64_t (*group_bytes)(const AttentionProblem&);
  /** Packs blocks [begin, end) of a group's keys and values. */
  int64_t (*blocks)(const AttentionProblem&);
  void (*pack_group)(const AttentionProblem&, int64_t group, int64_t begin, int64_t end, void* packed);
  /** Tiles of queries that a group has, and what one tile needs as scratch memory. */
  int64_t (*tiles)(const AttentionProblem&, int64_t group);
  int64_t (*scratch_bytes)(const AttentionProblem&);
  void (*attend)(const AttentionProblem&, int64_t group, int64_t tile, const void* packed, void* scratch);
};

struct AttentionKernels {
  AttentionFunctions single, low;
};

}  // namespace adsam
