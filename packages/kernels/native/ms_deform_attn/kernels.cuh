#pragma once

#include "gpu/taps.h"

/** Multi-scale deformable attention on a GPU: `lanes` neighbouring threads share a head of a query, over its channels. */
namespace adsam {

constexpr int kMostLevels = 32;

/** Sizes as the device wants them. */
struct AttentionShape {
  int32_t heads, head_dim, level_count, points;
  int64_t positions, queries, items;  // items: [B, Lq, nHeads]
  int32_t height[kMostLevels], width[kMostLevels];
  int64_t start[kMostLevels];
};

template <typename T>
struct AttentionArguments {
  AttentionShape shape;
  unsigned lanes;
  const T* value;           // [B, S, nHeads, headDim]
  const Sum<T>* locations;  // [B, Lq, nHeads, nLevels, nPoints, 2], (x, y) in [0, 1]
  const Sum<T>* weights;    // [B, Lq, nHeads, nLevels, nPoints]
};

/** Gradients in the inputs' layouts; null where not wanted. `value` starts as zeros. */
template <typename S>
struct AttentionSums {
  S* value;
  S* locations;
  S* weights;
};

/** Which head of which query a thread works for, and which of its channels are the thread's first. */
struct AttentionItem {
  int64_t item, picture;
  int32_t head, channel, step;
  bool active;

  __device__ __forceinline__ AttentionItem(const AttentionShape& s, unsigned lanes, int width) {
    const int64_t thread = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    item = thread / lanes;
    active = item < s.items;
    if (!active) item = s.items - 1;  // beyond the end: takes part in a warp's sums and adds nothing
    head = static_cast<int32_t>(item % s.heads);
    picture = item / s.heads / s.queries;
    channel = static_cast<int32_t>(thread % lanes) * width;
    step = static_cast<int32_t>(lanes) * width;
  }

  /** Offset of the item's head at the first position of a level. */
  __device__ __forceinline__ int64_t level_base(const AttentionShape& s, int level) const {
    return ((picture * s.positions + s.start[level]) * s.heads + head) * s.head_dim;
  }
};

/** Location (x, y) in [0, 1] over a level; 0 and 1 are the outer borders of the outer pixels (align_corners = false). */
template <typename S>
__device__ __forceinline__ PlaceInPicture<S> attention_place(const AttentionShape& s, int level, const S* location,
                                                             S weight) {
  return place_at(location[1] * S(s.height[level]) - S(0.5), location[0] * S(s.width[level]) - S(0.5), weight,
                  s.height[level], s.width[level]);
}

template <typename T, int width>
__global__ void __launch_bounds__(kBlock) attend_kernel(AttentionArguments<T> in, T* output) {
  const AttentionShape& s = in.shape;
  const AttentionItem mine(s, in.lanes, width);
  if (!mine.active) return;
  const int64_t stride = static_cast<int64_t>(s.heads) * s.head_dim, places = mine.item * s.level_count * s.points;
  for (int32_t c = mine.channel; c < s.head_dim; c += mine.step) {
    Sum<T> sum[width] = {};
    int64_t at = places;
    for (int level = 0; level < s.level_count; ++level) {
      const T* channels = in.value + mine.level_base(s, level) + c;
      for (int point = 0; point < s.points; ++point, ++at) {
        const auto place = attention_place(s, level, in.locations + 2 * at, in.weights[at]);
        if (place.outside()) {
          if (place.scale != place.scale)
#pragma unroll
            for (int k = 0; k < width; ++k) sum[k] = place.scale;  // NaN, as the place is
        } else {
          read_place<width>(place, channels, stride, sum);
        }
      }
    }
    store<width>(output + mine.item * s.head_dim + c, sum);
  }
}

template <typename T, int width>
__global__ void __launch_bounds__(kBlock)
    attend_backward_kernel(AttentionArguments<T> in, const T* cotangents, AttentionSums<Sum<T>> result) {
  const AttentionShape& s = in.shape;
  const AttentionItem mine(s, in.lanes, width);
  const int64_t stride = static_cast<int64_t>(s.heads) * s.head_dim;
  const bool with_places = result.locations || result.weights;
  int64_t at = mine.item * s.level_count * s.points;
  for (int level = 0; level < s.level_count; ++level) {
    const int64_t base = mine.level_base(s, level);
    for (int point = 0; point < s.points; ++point, ++at) {
      const auto place = attention_place(s, level, in.locations + 2 * at, in.weights[at]);
      PixelDots<Sum<T>> dots;
      if (mine.active && !place.outside())
        for (int32_t c = mine.channel; c < s.head_dim; c += mine.step) {
          Sum<T> cotangent[width];
          load<width>(cotangents + mine.item * s.head_dim + c, cotangent);
          unread_place<width, true>(place, cotangent, in.value + base + c, result.value ? result.value + base + c : nullptr,
                                    stride, dots);
        }
      if (!with_places) continue;  // the same for all threads
#pragma unroll
      for (int i = 0; i < 4; ++i) dots.dot[i] = sum_over_lanes(dots.dot[i], in.lanes);
      if (!mine.active || mine.channel != 0) continue;
      if (result.weights) result.weights[at] = dots.scale_gradient(place);
      if (result.locations) {
        result.locations[2 * at] = dots.x_gradient(place) * Sum<T>(s.width[level]);
        result.locations[2 * at + 1] = dots.y_gradient(place) * Sum<T>(s.height[level]);
      }
    }
  }
}

}  // namespace adsam
