#include "deform_conv/columns.h"

#include "deform_conv/pixel_rows.h"

namespace adsam {
namespace {

/** Finds the places of the chunk's tap number `t`. */
template <typename T>
ADSAM_INLINE void place_tap(const ColumnJob<T>& job, int64_t t, Places<T>& places) {
  const auto& g = job.geometry;
  const int64_t tap = job.chunk.first_tap + t, map = job.chunk.run.offset_group * g.taps() + tap;
  const int64_t tap_y = tap / g.kernel.x * g.dilation.y - g.padding.y;
  const int64_t tap_x = tap % g.kernel.x * g.dilation.x - g.padding.x;
  T y[kTilePositions], x[kTilePositions];
  read_map(job.tile, job.offset, 2 * map, y);
  read_map(job.tile, job.offset, 2 * map + 1, x);
  if (job.mask.data)
    read_map(job.tile, job.mask, map, places.mask);
  else
    std::fill(places.mask, places.mask + job.tile.count(), T(1));
  for (int64_t r = 0, p = 0; r < job.tile.height; ++r) {
    const T row = static_cast<T>((job.tile.y + r) * g.stride.y + tap_y);
    for (int64_t c = 0; c < job.tile.width; ++c, ++p) {
      y[p] += row;
      x[p] += static_cast<T>((job.tile.x + c) * g.stride.x + tap_x);
    }
  }
  locate(places, y, x, job.tile.count(), static_cast<int32_t>(g.height), static_cast<int32_t>(g.width));
}

template <typename T, int bytes>
ADSAM_INLINE void gather_impl(const ColumnJob<T>& job) {
  const int64_t channels = job.chunk.run.count;
  Places<T> places;
  Addresses pixels;
  for (int64_t t = 0; t < job.chunk.taps; ++t) {
    place_tap(job, t, places);
    address(places, job.tile.count(), job.pixels, pixels);
    T* column = job.columns + t * channels;
    for (int64_t p = 0; p < job.tile.count(); ++p, column += job.columns_stride)
      blend<T, bytes>(PixelRows<T>(places, pixels, p), column, 0, channels);
  }
}

/** Gradients of the places and the mask of one tap, from dot products with the four pixels. */
template <typename T>
ADSAM_INLINE void reduce_tap(const ColumnJob<T>& job, int64_t t, const Places<T>& places, const Dots<T>& dots,
                             const TapGradients<T>& gradients) {
  const int64_t map = job.chunk.run.offset_group * job.geometry.taps() + job.chunk.first_tap + t;
  const int64_t count = job.tile.count();
  T gradient[kTilePositions];
  if (gradients.offset.data) {
#pragma omp simd
    for (int64_t p = 0; p < count; ++p)
      gradient[p] = places.mask[p] * ((1 - places.fx[p]) * (dots[p][2] - dots[p][0]) +
                                      places.fx[p] * (dots[p][3] - dots[p][1]));
    write_map(job.tile, gradients.offset, 2 * map, gradient, gradients.accumulate);
#pragma omp simd
    for (int64_t p = 0; p < count; ++p)
      gradient[p] = places.mask[p] * ((1 - places.fy[p]) * (dots[p][1] - dots[p][0]) +
                                      places.fy[p] * (dots[p][3] - dots[p][2]));
    write_map(job.tile, gradients.offset, 2 * map + 1, gradient, gradients.accumulate);
  }
  if (gradients.mask.data) {
#pragma omp simd
    for (int64_t p = 0; p < count; ++p)
      gradient[p] =
          (1 - places.fy[p]) * ((1 - places.fx[p]) * dots[p][0] + places.fx[p] * dots[p][1]) +
          places.fy[p] * ((1 - places.fx[p]) * dots[p][2] + places.fx[p] * dots[p][3]);
    write_map(job.tile, gradients.mask, map, gradient, gradients.accumulate);
  }
}

template <typename T, int bytes, bool scatter, bool dot, bool keep>
ADSAM_INLINE void spread_with(const ColumnJob<T>& job, const PixelSums<T>* sums, const TapGradients<T>& gradients) {
  const int64_t channels = job.chunk.run.count;
  Places<T> places;
  Addresses pixels, targets;
  Dots<T> dots;
  for (int64_t t = 0; t < job.chunk.taps; ++t) {
    place_tap(job, t, places);
    address(places, job.tile.count(), job.pixels, pixels);
    if (scatter) address(places, job.tile.count(), *sums, targets);
    T* column = job.columns + t * channels;
    for (int64_t p = 0; p < job.tile.count(); ++p, column += job.columns_stride) {
      const PixelRows<T> rows = scatter ? PixelRows<T>(places, pixels, targets, p) : PixelRows<T>(places, pixels, p);
      for (int i = 0; i < 4; ++i) dots[p][i] = 0;
      spread<T, bytes, scatter, dot, keep>(rows, column, 0, channels, dots[p]);
    }
    if (dot) reduce_tap(job, t, places, dots, gradients);
  }
}

/** Loops of their own for each set of wishes: they are the innermost there are. */
template <typename T, int bytes>
ADSAM_INLINE void spread_impl(const ColumnJob<T>& job, const PixelSums<T>* sums, const TapGradients<T>& gradients,
                              bool keep) {
  if (sums && gradients.wanted())
    keep ? spread_with<T, bytes, true, true, true>(job, sums, gradients)
         : spread_with<T, bytes, true, true, false>(job, sums, gradients);
  else if (sums)
    keep ? spread_with<T, bytes, true, false, true>(job, sums, gradients)
         : spread_with<T, bytes, true, false, false>(job, sums, gradients);
  else
    keep ? spread_with<T, bytes, false, true, true>(job, sums, gradients)
         : spread_with<T, bytes, false, true, false>(job, sums, gradients);
}

// One compiled body for each instruction set.
#define ADSAM_COLUMNS_FOR(set, target, bytes)                                                                   \
  template <typename T>                                                                                         \
  target void gather_##set(const ColumnJob<T>& job) {                                                           \
    gather_impl<T, bytes>(job);                                                                                 \
  }                                                                                                             \
  template <typename T>                                                                                         \
  target void spread_##set(const ColumnJob<T>& job, const PixelSums<T>* sums, const TapGradients<T>& gradients, \
                           bool keep) {                                                                         \
    spread_impl<T, bytes>(job, sums, gradients, keep);                                                          \
  }

#ifdef ADSAM_X86_KERNELS
ADSAM_COLUMNS_FOR(avx512, ADSAM_TARGET_AVX512, 64)
ADSAM_COLUMNS_FOR(avx2, ADSAM_TARGET_AVX2, 32)
#endif
ADSAM_COLUMNS_FOR(baseline, , 16)

}  // namespace

template <typename T>
void gather_columns(const ColumnJob<T>& job, InstructionSet set) {
#ifdef ADSAM_X86_KERNELS
  if (set >= InstructionSet::avx512) return gather_avx512(job);
  if (set == InstructionSet::avx2) return gather_avx2(job);
#endif
  gather_baseline(job);
}

template <typename T>
void spread_columns(const ColumnJob<T>& job, const PixelSums<T>* sums, const TapGradients<T>& gradients,
                    bool keep_columns, InstructionSet set) {
#ifdef ADSAM_X86_KERNELS
  if (set >= InstructionSet::avx512) return spread_avx512(job, sums, gradients, keep_columns);
  if (set == InstructionSet::avx2) return spread_avx2(job, sums, gradients, keep_columns);
#endif
  spread_baseline(job, sums, gradients, keep_columns);
}

#define ADSAM_INSTANTIATE(T)                                         \
  template void gather_columns(const ColumnJob<T>&, InstructionSet); \
  template void spread_columns(const ColumnJob<T>&, const PixelSums<T>*, const TapGradients<T>&, bool, InstructionSet);
ADSAM_INSTANTIATE(float)
ADSAM_INSTANTIATE(double)

}  // namespace adsam
