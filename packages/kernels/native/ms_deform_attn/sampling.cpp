#include "ms_deform_attn/sampling.h"

#include "common/on_cpu.h"

#include <algorithm>

namespace adsam {
namespace {

/** Location (x, y) in [0, 1] over a level → tap; 0 and 1 are the outer borders of the outer pixels (align_corners =
 * false). */
template <typename T>
ADSAM_INLINE Tap<T> tap_at(const AttentionLevel& level, const T* location, T weight) {
  return make_tap<T>(location[1] * T(level.height) - T(0.5), location[0] * T(level.width) - T(0.5), weight,
                     static_cast<int32_t>(level.height), static_cast<int32_t>(level.width));
}

template <typename T>
ADSAM_INLINE void attend_impl(const AttentionInputs<T>& in, int64_t begin, int64_t end, T* output) {
  const auto& g = in.geometry;
  const int64_t stride = g.channels(), dim = g.head_dim;
  for (int64_t q = begin; q < end; ++q) {
    const T* pictures = in.value + q / g.queries * g.positions * stride;
    const T* weight = in.weights + q * g.heads * g.level_count() * g.points;
    const T* location = in.locations + 2 * (weight - in.weights);
    T* out = output + q * stride;
    for (int64_t head = 0; head < g.heads; ++head, out += dim) {
      std::fill(out, out + dim, T(0));
      for (const AttentionLevel& level : g.levels) {
        const T* base = pictures + level.start * stride + head * dim;
        for (int64_t point = 0; point < g.points; ++point, ++weight, location += 2) {
          const Tap<T> tap = tap_at(level, location, *weight);
          blend<true>(out, Rows<T>(tap, base, stride, in.zeros), Shares<T>(tap), tap.scale, dim);
        }
      }
    }
  }
}

template <typename T>
ADSAM_INLINE void attend_backward_impl(const AttentionInputs<T>& in, int64_t picture, int64_t head, int64_t level_index,
                                       const T* output_gradient, AttentionGradients<T> result) {
  const auto& g = in.geometry;
  const AttentionLevel& level = g.levels[level_index];
  const int64_t stride = g.channels(), dim = g.head_dim;
  const int64_t base = (picture * g.positions + level.start) * stride + head * dim;
  for (int64_t query = 0; query < g.queries; ++query) {
    const int64_t q = picture * g.queries + query;
    const T* gradient = output_gradient + q * stride + head * dim;
    int64_t index = ((q * g.heads + head) * g.level_count() + level_index) * g.points;
    for (const int64_t last = index + g.points; index < last; ++index) {
      const Tap<T> tap = tap_at(level, in.locations + 2 * index, in.weights[index]);
      if (result.locations || result.weights) {
        Dots<T> dots;
        dots.add(gradient, Rows<T>(tap, in.value + base, stride, in.zeros), dim);
        if (result.weights) result.weights[index] = dots.scale_gradient(Shares<T>(tap));
        if (result.locations) {
          result.locations[2 * index] = dots.x_gradient(tap) * T(level.width);
          result.locations[2 * index + 1] = dots.y_gradient(tap) * T(level.height);
        }
      }
      if (result.value) scatter(tap, result.value + base, stride, gradient, dim);
    }
  }
}

}  // namespace

#define ADSAM_ATTENTION_FOR(T)                                                                     \
  template <>                                                                                      \
  void attend(const AttentionInputs<T>& in, int64_t begin, int64_t end, T* output) {               \
    on_cpu<attend_impl<T>>(in, begin, end, output);                                                \
  }                                                                                                \
  template <>                                                                                      \
  void attend_backward(const AttentionInputs<T>& in, int64_t picture, int64_t head, int64_t level, \
                       const T* output_gradient, AttentionGradients<T> result) {                   \
    on_cpu<attend_backward_impl<T>>(in, picture, head, level, output_gradient, result);            \
  }

ADSAM_ATTENTION_FOR(float)
ADSAM_ATTENTION_FOR(double)

}  // namespace adsam
