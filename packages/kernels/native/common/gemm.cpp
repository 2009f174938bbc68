#include "common/gemm.h"

#include <cstring>

#include "common/gemm_bodies.h"

namespace adsam {
namespace {

// Rows of A that meet one panel of B after the other: a multiple of every tile's height, few enough for the first cache.
// Of a transposed A twice as many, so that the lines its rows are cut into are mostly used up.
constexpr int64_t kChunk = 24, kTransposedChunk = 48, kMostRows = 8;
// Steps of k summed in registers before C is touched. Their part of B stays in the second cache for all rows of A.
constexpr int64_t kLeastSteps = 256, kMostSteps = 1024, kStepNumbers = 64 << 10;
constexpr int64_t kPanelBytes = 256;  // of one row of the widest panel

int64_t steps_at_once(int64_t n) { return std::clamp(kStepNumbers / std::max<int64_t>(n, 1), kLeastSteps, kMostSteps); }

/** Some rows of a panel of B, and how far apart they lie. */
template <typename T>
struct Slice {
  const T* data;
  int64_t stride;
};

/**
 * A tile whose last vector is only partly there: the same tile on a copy of C filled up with zeros, and the bias
 * likewise; what exists is copied back.
 */
template <typename T>
void run_edge(typename GemmBody<T>::TileFunction run, Tile<T> tile, int64_t rows, int64_t columns, int64_t width) {
  constexpr int64_t most = kPanelBytes / sizeof(T);
  alignas(64) T part[kMostRows * most], bias[most];
  T* const c = tile.c;
  for (int64_t i = 0; i < rows; ++i) {
    if (tile.accumulate) std::memcpy(part + i * width, c + i * tile.c_stride, columns * sizeof(T));
    std::fill(part + i * width + (tile.accumulate ? columns : 0), part + (i + 1) * width, T(0));
  }
  if (tile.bias) {
    std::memcpy(bias, tile.bias, columns * sizeof(T));
    std::fill(bias + columns, bias + width, T(0));
    tile.bias = bias;
  }
  const int64_t c_stride = tile.c_stride;
  tile.c = part, tile.c_stride = width;
  run(tile, rows);
  for (int64_t i = 0; i < rows; ++i) std::memcpy(c + i * c_stride, part + i * width, columns * sizeof(T));
}

/** C = or += A · B, where `slice_of` knows where B's panels are. */
template <typename T, typename SliceOf>
void multiply_panels(int64_t m, int64_t n, int64_t k, const LeftMatrix<T>& a, T* c, int64_t c_stride, bool accumulate,
                     const Epilogue<T>& epilogue, const GemmBody<T>& body, int64_t most_steps,
                     const SliceOf& slice_of) {
  const PanelSplit split(n, body);
  const int64_t row_step = a.transposed ? 1 : a.stride, k_step = a.transposed ? a.stride : 1;
  const int64_t most_rows = a.transposed ? kTransposedChunk : kChunk;
  int64_t first = 0;
  do {
    const int64_t steps = std::min(most_steps, k - first);
    const bool last = first + steps >= k;
    for (int64_t chunk = 0; chunk < m; chunk += most_rows) {
      const int64_t chunk_end = std::min(chunk + most_rows, m);
      for (int64_t panel = 0; panel < split.count; ++panel) {
        const Slice<T> slice = slice_of(split, panel, first, steps);
        const int64_t vectors = split.panel_vectors(panel), column = split.first_column(panel);
        const int64_t width = split.width(panel), columns = split.columns(panel);
        const auto run = a.transposed ? body.transposed[vectors] : body.plain[vectors];
        Tile<T> tile{a.data + chunk * row_step + first * k_step,
                     a.stride,
                     slice.data,
                     slice.stride,
                     steps,
                     c + chunk * c_stride + column,
                     c_stride,
                     accumulate || first > 0,
                     last && epilogue.bias ? epilogue.bias + column : nullptr,
                     last && epilogue.relu};
        for (int64_t i = chunk; i < chunk_end;) {
          const int64_t rows = std::min(body.most_rows[vectors], chunk_end - i);
          if (columns == width)
            run(tile, rows);
          else
            run_edge<T>(run, tile, rows, columns, width);
          if (last && epilogue.hook)
            for (int64_t r = 0; r < rows; ++r)
              epilogue.hook(epilogue.context, tile.c + r * c_stride, i + r, column, columns);
          i += rows, tile.a += rows * row_step, tile.c += rows * c_stride;
        }
      }
    }
    first += steps;
  } while (first < k);
}

/** Copies `count` columns of `rows` rows, and fills each row up with zeros to `width`. */
template <typename T>
void copy_filled(T* out, int64_t width, const T* b, int64_t stride, int64_t rows, int64_t count) {
  for (int64_t p = 0; p < rows; ++p, out += width, b += stride) {
    std::memcpy(out, b, count * sizeof(T));
    std::fill(out + count, out + width, T(0));
  }
}

/** The same from the transposed matrix, a stretch of k at a time so that both sides stay in the cache. */
template <typename T>
void transpose_filled(T* out, int64_t width, const T* b, int64_t stride, int64_t rows, int64_t count) {
  constexpr int64_t stretch = 16;
  for (int64_t p = 0; p < rows; p += stretch) {
    const int64_t end = std::min(p + stretch, rows);
    for (int64_t j = 0; j < count; ++j)
      for (int64_t q = p; q < end; ++q) out[q * width + j] = b[j * stride + q];
    for (int64_t q = p; q < end; ++q) std::fill(out + q * width + count, out + (q + 1) * width, T(0));
  }
}

}  // namespace

template <typename T>
int64_t Panels<T>::size(int64_t k, int64_t n, InstructionSet set) {
  const PanelSplit split(n, gemm_body<T>(set));
  return k * split.vectors * split.lanes;
}

template <typename T>
Panels<T> Panels<T>::pack(T* storage, const T* b, int64_t k, int64_t n, int64_t stride, bool transposed,
                          InstructionSet set) {
  const PanelSplit split(n, gemm_body<T>(set));
  for (int64_t panel = 0; panel < split.count; ++panel) {
    const int64_t column = split.first_column(panel), width = split.width(panel), count = split.columns(panel);
    T* out = storage + k * column;
    if (transposed)
      transpose_filled(out, width, b + column * stride, stride, k, count);
    else
      copy_filled(out, width, b + column, stride, k, count);
  }
  return {storage, k, n, set};
}

template <typename T>
void multiply(int64_t m, const LeftMatrix<T>& a, const Panels<T>& b, T* c, int64_t c_stride, bool accumulate,
              const Epilogue<T>& epilogue) {
  multiply_panels(m, b.n, b.k, a, c, c_stride, accumulate, epilogue, gemm_body<T>(b.set), steps_at_once(b.n),
                  [&b](const PanelSplit& split, int64_t panel, int64_t first, int64_t) {
                    const int64_t width = split.width(panel);
                    return Slice<T>{b.data + b.k * split.first_column(panel) + first * width, width};
                  });
}

template <typename T>
void multiply(int64_t m, int64_t n, int64_t k, const LeftMatrix<T>& a, const T* b, int64_t b_stride, T* c,
              int64_t c_stride, bool accumulate, const Epilogue<T>& epilogue, InstructionSet set) {
  // Only a panel whose last vector is partly filled needs a copy: tiles load whole ones.
  alignas(64) T edge[kLeastSteps * kPanelBytes / sizeof(T)];
  int64_t edge_first = -1;
  multiply_panels(m, n, k, a, c, c_stride, accumulate, epilogue, gemm_body<T>(set), kLeastSteps,
                  [&](const PanelSplit& split, int64_t panel, int64_t first, int64_t steps) {
                    const T* from = b + first * b_stride + split.first_column(panel);
                    if (split.columns(panel) == split.width(panel)) return Slice<T>{from, b_stride};
                    const int64_t width = split.width(panel);
                    if (edge_first != first) copy_filled(edge, width, from, b_stride, steps, split.columns(panel));
                    edge_first = first;
                    return Slice<T>{edge, width};
                  });
}

#define ADSAM_INSTANTIATE(T)                                                                                      \
  template struct Panels<T>;                                                                                      \
  template void multiply(int64_t, const LeftMatrix<T>&, const Panels<T>&, T*, int64_t, bool, const Epilogue<T>&); \
  template void multiply(int64_t, int64_t, int64_t, const LeftMatrix<T>&, const T*, int64_t, T*, int64_t, bool,   \
                         const Epilogue<T>&, InstructionSet);
ADSAM_INSTANTIATE(float)
ADSAM_INSTANTIATE(double)

}  // namespace adsam
