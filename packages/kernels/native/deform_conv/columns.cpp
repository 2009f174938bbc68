#include "deform_conv/columns.h"

#include <algorithm>

namespace adsam {
namespace {

/** The channels of `run` at position `p` of the block and the first tap; taps lie group_channels() apart. */
template <typename P, typename T>
ADSAM_INLINE P* column_of(const ColumnBlock<T>& block, const ChannelRun& run, int64_t p, P* columns) {
  const auto& g = block.geometry;
  const int64_t row = run.group * block.count + p;
  return columns + row * g.column() + (run.first - run.group * g.group_channels());
}

template <typename T>
ADSAM_INLINE void make_taps_impl(const ColumnBlock<T>& block, int64_t begin, int64_t end) {
  const auto& g = block.geometry;
  const int64_t positions = g.positions(), per_position = g.offset_groups * g.taps();
  const auto height = static_cast<int32_t>(g.height), width = static_cast<int32_t>(g.width);
  for (int64_t p = begin; p < end; ++p) {
    const int64_t position = block.first + p;
    const int64_t y0 = position / g.out_width * g.stride.y - g.padding.y;
    const int64_t x0 = position % g.out_width * g.stride.x - g.padding.x;
    const T* offset = block.offset + position;
    const T* mask = block.mask ? block.mask + position : nullptr;
    Tap<T>* tap = block.taps + p * per_position;
    for (int64_t group = 0; group < g.offset_groups; ++group)
      for (int64_t ky = 0; ky < g.kernel.y; ++ky)
        for (int64_t kx = 0; kx < g.kernel.x; ++kx) {
          const T y = static_cast<T>(y0 + ky * g.dilation.y) + offset[0];
          const T x = static_cast<T>(x0 + kx * g.dilation.x) + offset[positions];
          *tap++ = make_tap<T>(y, x, mask ? *mask : T(1), height, width);
          offset += 2 * positions;
          if (mask) mask += positions;
        }
  }
}

template <typename T>
ADSAM_INLINE void gather_impl(const ColumnBlock<T>& block, int64_t begin, int64_t end, T* columns) {
  const auto& g = block.geometry;
  const int64_t taps = g.taps(), step = g.group_channels(), stride = g.channels;
  for (int64_t p = begin; p < end; ++p)
    for (const ChannelRun& run : block.runs) {
      const Tap<T>* tap = block.taps + (p * g.offset_groups + run.offset_group) * taps;
      T* out = column_of(block, run, p, columns);
      for (int64_t t = 0; t < taps; ++t, ++tap, out += step) {
        if (tap->outside())
          std::fill(out, out + run.count, tap->scale * 0);
        else
          blend<false>(out, Rows<T>(*tap, block.picture + run.first, stride, block.zeros), Shares<T>(*tap), tap->scale,
                       run.count);
      }
    }
}

template <typename T>
ADSAM_INLINE void reduce_impl(const ColumnBlock<T>& block, int64_t begin, int64_t end, const T* gradients,
                              TapGradients<T> result) {
  const auto& g = block.geometry;
  const int64_t taps = g.taps(), step = g.group_channels(), stride = g.channels, positions = g.positions();
  for (int64_t p = begin; p < end; ++p)
    for (size_t first_run = 0; first_run < block.runs.size();) {
      const int64_t group = block.runs[first_run].offset_group;
      size_t end_run = first_run;
      while (end_run < block.runs.size() && block.runs[end_run].offset_group == group) ++end_run;
      for (int64_t t = 0; t < taps; ++t) {
        const int64_t index = group * taps + t;
        const Tap<T>& tap = block.taps[p * g.offset_groups * taps + index];
        Dots<T> dots;
        if (!tap.outside())
          for (size_t r = first_run; r < end_run; ++r) {
            const ChannelRun& run = block.runs[r];
            dots.add(column_of(block, run, p, gradients) + t * step,
                     Rows<T>(tap, block.picture + run.first, stride, block.zeros), run.count);
          }
        const int64_t position = block.first + p;
        if (result.offset) {
          result.offset[2 * index * positions + position] = dots.y_gradient(tap);
          result.offset[(2 * index + 1) * positions + position] = dots.x_gradient(tap);
        }
        if (result.mask) result.mask[index * positions + position] = dots.scale_gradient(Shares<T>(tap));
      }
      first_run = end_run;
    }
}

template <typename T>
ADSAM_INLINE void scatter_impl(const ColumnBlock<T>& block, int64_t begin, int64_t end, const T* gradients,
                               T* picture_gradient) {
  const auto& g = block.geometry;
  const int64_t taps = g.taps(), step = g.group_channels(), stride = g.channels;
  for (int64_t p = 0; p < block.count; ++p)
    for (const ChannelRun& run : block.runs) {
      const int64_t from = std::max(begin, run.first), to = std::min(end, run.first + run.count);
      if (from >= to) continue;
      const Tap<T>* tap = block.taps + (p * g.offset_groups + run.offset_group) * taps;
      const T* gradient = column_of(block, run, p, gradients) + (from - run.first);
      for (int64_t t = 0; t < taps; ++t, ++tap, gradient += step)
        scatter(*tap, picture_gradient + from, stride, gradient, to - from);
    }
}

}  // namespace

// One compiled body for each element type and processor: templates cannot be cloned for processors, so the two types
// are spelled out.
#define ADSAM_COLUMNS_FOR(T)                                                                                         \
  template <>                                                                                                        \
  ADSAM_CPU_CLONES void make_taps(const ColumnBlock<T>& block, int64_t begin, int64_t end) {                         \
    make_taps_impl(block, begin, end);                                                                               \
  }                                                                                                                  \
  template <>                                                                                                        \
  ADSAM_CPU_CLONES void gather_columns(const ColumnBlock<T>& block, int64_t begin, int64_t end, T* columns) {        \
    gather_impl(block, begin, end, columns);                                                                         \
  }                                                                                                                  \
  template <>                                                                                                        \
  ADSAM_CPU_CLONES void reduce_taps(const ColumnBlock<T>& block, int64_t begin, int64_t end, const T* gradients,     \
                                    TapGradients<T> result) {                                                        \
    reduce_impl(block, begin, end, gradients, result);                                                               \
  }                                                                                                                  \
  template <>                                                                                                        \
  ADSAM_CPU_CLONES void scatter_columns(const ColumnBlock<T>& block, int64_t begin, int64_t end, const T* gradients, \
                                        T* picture_gradient) {                                                       \
    scatter_impl(block, begin, end, gradients, picture_gradient);                                                    \
  }

ADSAM_COLUMNS_FOR(float)
ADSAM_COLUMNS_FOR(double)

}  // namespace adsam
