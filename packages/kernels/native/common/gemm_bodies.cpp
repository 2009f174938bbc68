#include "common/gemm_bodies.h"

namespace adsam {
namespace {

// Tiles as high as the registers allow beside a row of B and a factor of A: 6 × 4, 8 × 3 … of 32 registers, 6 × 2 of 16.
// Eight rows are enough everywhere: more of them, a power of two apart, fall on the same lines of the first cache.
constexpr int rows_of_32(int vectors) { return vectors == 4 ? 6 : 8; }
constexpr int rows_of_16(int vectors) { return vectors == 2 ? 6 : 8; }

#ifdef ADSAM_X86_KERNELS
template <typename T, int vectors, bool transposed>
ADSAM_TARGET_AVX512 void tile_avx512(const Tile<T>& tile, int64_t rows) {
  sum_tile_of<T, 64, vectors, rows_of_32(vectors), transposed>(tile, rows);
}

template <typename T, int vectors, bool transposed>
ADSAM_TARGET_AVX2 void tile_avx2(const Tile<T>& tile, int64_t rows) {
  sum_tile_of<T, 32, vectors, rows_of_16(vectors), transposed>(tile, rows);
}
#endif

#if defined(__aarch64__)
constexpr int kBaselineVectors = 4;
constexpr int baseline_rows(int vectors) { return rows_of_32(vectors); }
#else
constexpr int kBaselineVectors = 2;
constexpr int baseline_rows(int vectors) { return rows_of_16(vectors); }
#endif

template <typename T, int vectors, bool transposed>
void tile_baseline(const Tile<T>& tile, int64_t rows) {
  constexpr int width = std::min(vectors, kBaselineVectors);
  sum_tile_of<T, 16, width, baseline_rows(width), transposed>(tile, rows);
}

template <typename T>
constexpr int64_t lanes(int bytes) {
  return bytes / static_cast<int64_t>(sizeof(T));
}

}  // namespace

template <typename T>
const GemmBody<T>& gemm_body(InstructionSet set) {
#ifdef ADSAM_X86_KERNELS
  static constexpr GemmBody<T> avx512{
      lanes<T>(64),
      4,
      {0, rows_of_32(1), rows_of_32(2), rows_of_32(3), rows_of_32(4)},
      {nullptr, tile_avx512<T, 1, false>, tile_avx512<T, 2, false>, tile_avx512<T, 3, false>, tile_avx512<T, 4, false>},
      {nullptr, tile_avx512<T, 1, true>, tile_avx512<T, 2, true>, tile_avx512<T, 3, true>, tile_avx512<T, 4, true>}};
  static constexpr GemmBody<T> avx2{lanes<T>(32),
                                    2,
                                    {0, rows_of_16(1), rows_of_16(2)},
                                    {nullptr, tile_avx2<T, 1, false>, tile_avx2<T, 2, false>},
                                    {nullptr, tile_avx2<T, 1, true>, tile_avx2<T, 2, true>}};
  if (set >= InstructionSet::avx512) return avx512;
  if (set == InstructionSet::avx2) return avx2;
#endif
  static constexpr GemmBody<T> baseline{
      lanes<T>(16),
      kBaselineVectors,
      {0, baseline_rows(1), baseline_rows(2), baseline_rows(3), baseline_rows(4)},
      {nullptr, tile_baseline<T, 1, false>, tile_baseline<T, 2, false>, tile_baseline<T, 3, false>,
       tile_baseline<T, 4, false>},
      {nullptr, tile_baseline<T, 1, true>, tile_baseline<T, 2, true>, tile_baseline<T, 3, true>,
       tile_baseline<T, 4, true>}};
  return baseline;
}

template const GemmBody<float>& gemm_body(InstructionSet set);
template const GemmBody<double>& gemm_body(InstructionSet set);

}  // namespace adsam
