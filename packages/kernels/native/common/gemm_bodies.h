#pragma once

#include <algorithm>
#include <cstdint>

#include "common/gemm_tile.h"
#include "common/instruction_set.h"

namespace adsam {

/** How one instruction set multiplies: its vector, and the tiles its registers hold. */
template <typename T>
struct GemmBody {
  using TileFunction = void (*)(const Tile<T>& tile, int64_t rows);

  int64_t lanes;
  int64_t most_vectors;       // of a tile and so of a panel of B
  int64_t most_rows[5];       // of a tile that many vectors wide
  TileFunction plain[5], transposed[5];  // indexed by vectors, from 1
};

/** The body of `set`; that of the baseline where this build has none. */
template <typename T>
const GemmBody<T>& gemm_body(InstructionSet set);

/** B's columns shared out into panels as even as may be, none wider than the tiles are. */
struct PanelSplit {
  int64_t n, lanes, vectors, count;

  template <typename T>
  PanelSplit(int64_t n_, const GemmBody<T>& body)
      : n(n_), lanes(body.lanes), vectors((n + lanes - 1) / lanes),
        count((vectors + body.most_vectors - 1) / body.most_vectors) {}

  int64_t first_vector(int64_t panel) const { return panel * vectors / count; }
  int64_t panel_vectors(int64_t panel) const { return first_vector(panel + 1) - first_vector(panel); }
  int64_t first_column(int64_t panel) const { return first_vector(panel) * lanes; }
  int64_t width(int64_t panel) const { return panel_vectors(panel) * lanes; }  // filled up with zeros
  int64_t columns(int64_t panel) const { return std::min(width(panel), n - first_column(panel)); }
};

}  // namespace adsam
