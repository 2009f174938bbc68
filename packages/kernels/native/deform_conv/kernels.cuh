#pragma once

#include "gpu/taps.h"

/**
 * The gather and the scatter of a deformable convolution on a GPU. Columns of a block of positions are [groups,
 * positions, taps, channels/groups]: what each output position multiplies. Positions count over the whole batch.
 */
namespace adsam {

/** A float map a tap and position: [B, maps, positions] in any strides. */
template <typename S>
struct PositionMaps {
  S* data;  // null where there are none
  int64_t picture_stride, map_stride, position_stride;

  __device__ __forceinline__ S& at(int64_t picture, int64_t map, int64_t position) const {
    return data[picture * picture_stride + map * map_stride + position * position_stride];
  }
};

/** Sizes as the device wants them. All fit 32 bits; products that may not are widened where they are made. */
struct DeformShape {
  int32_t channels, height, width;
  int32_t out_width, positions;  // positions of one picture
  int32_t kernel_x, taps;
  int32_t stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x;
  int32_t offset_groups, offset_channels;  // channels of an offset group
  int32_t group_channels;                  // channels of a convolution group
};

/** Positions [first, first + count) over the batch, the first of them split into picture and position. */
struct PositionBlock {
  int32_t first_picture, first_position, count;
};

template <typename T>
struct DeformInputs {
  DeformShape shape;
  PositionBlock block;
  const T* pictures;  // [B, H, W, C]
  PositionMaps<const Sum<T>> offset, mask;
};

/** Where tap `tap` of an offset group reads for position p of the block. */
template <typename T>
struct DeformTap {
  int32_t picture, position;
  PlaceInPicture<Sum<T>> place;

  __device__ __forceinline__ DeformTap(const DeformInputs<T>& in, uint32_t p, uint32_t group, uint32_t tap) {
    const DeformShape& s = in.shape;
    const uint32_t local = static_cast<uint32_t>(in.block.first_position) + p;
    picture = in.block.first_picture + static_cast<int32_t>(local / static_cast<uint32_t>(s.positions));
    position = static_cast<int32_t>(local % static_cast<uint32_t>(s.positions));
    const int32_t out_y = position / s.out_width, out_x = position % s.out_width;
    const int32_t kernel_y = static_cast<int32_t>(tap) / s.kernel_x, kernel_x = static_cast<int32_t>(tap) % s.kernel_x;
    const int32_t map = static_cast<int32_t>(group) * s.taps + static_cast<int32_t>(tap);
    const Sum<T> y = Sum<T>(out_y * s.stride_y - s.padding_y + kernel_y * s.dilation_y) +
                     in.offset.at(picture, 2 * map, position);
    const Sum<T> x = Sum<T>(out_x * s.stride_x - s.padding_x + kernel_x * s.dilation_x) +
                     in.offset.at(picture, 2 * map + 1, position);
    const Sum<T> scale = in.mask.data ? in.mask.at(picture, map, position) : Sum<T>(1);
    place = place_at(y, x, scale, s.height, s.width);
  }

  /** Its picture at `channel`. */
  template <typename P>
  __device__ __forceinline__ P* channels_of(P* pictures, const DeformShape& s, int32_t channel) const {
    return pictures + static_cast<int64_t>(picture) * s.height * s.width * s.channels + channel;
  }
};

/** Where in the columns of a block of `count` positions channel c of tap `tap` of position p lies. */
__device__ __forceinline__ int64_t column_place(const DeformShape& s, int32_t count, uint32_t p, uint32_t tap,
                                                int32_t c) {
  const int32_t group = c / s.group_channels;
  const int64_t row = (static_cast<int64_t>(group) * count + p) * s.taps + tap;
  return row * s.group_channels + (c - group * s.group_channels);
}

/** A thread reads `width` channels of one tap; neighbours take the channels that follow, so warps read whole lines. */
template <typename T, int width>
__global__ void __launch_bounds__(kBlock) gather_columns(DeformInputs<T> in, T* columns) {
  const DeformShape& s = in.shape;
  const uint32_t vectors = s.channels / width, thread = thread_number();
  if (thread >= in.block.count * static_cast<uint32_t>(s.taps) * vectors) return;
  const int32_t c = static_cast<int32_t>(thread % vectors) * width;
  const uint32_t row = thread / vectors, p = row / s.taps, tap = row % s.taps;
  const DeformTap<T> at(in, p, c / s.offset_channels, tap);
  Sum<T> value[width];
  const Sum<T> start = at.place.outside() ? at.place.scale * Sum<T>(0) : Sum<T>(0);  // NaN where the place is
#pragma unroll
  for (int k = 0; k < width; ++k) value[k] = start;
  read_place<width>(at.place, at.channels_of(in.pictures, s, c), s.channels, value);
  store<width>(columns + column_place(s, in.block.count, p, tap, c), value);
}

template <typename S>
struct DeformSums {
  PositionMaps<S> offset, mask;  // data is null where not wanted
  S* pictures;                   // [B, H, W, C], starts as zeros; null where not wanted
};

/**
 * From the columns' cotangents the gradients of offset and mask, and what the positions send to the picture. `lanes`
 * neighbouring threads share a tap of an offset group, each taking every lanes-th vector of its channels.
 */
template <typename T, int width, bool with_places>
__global__ void __launch_bounds__(kBlock)
    spread_columns(DeformInputs<T> in, const T* cotangents, unsigned lanes, DeformSums<Sum<T>> sums) {
  const DeformShape& s = in.shape;
  const uint32_t thread = thread_number(), lane = thread % lanes, item = thread / lanes;
  const uint32_t per_position = static_cast<uint32_t>(s.offset_groups) * s.taps;
  const bool active = item < in.block.count * per_position;
  // Threads beyond the end read the last item's place and no channel of it: a warp's sums need all of its threads.
  const uint32_t mine = active ? item : in.block.count * per_position - 1;
  const uint32_t p = mine / per_position, map = mine % per_position, group = map / s.taps, tap = map % s.taps;
  const DeformTap<T> at(in, p, group, tap);
  PixelDots<Sum<T>> dots;
  if (active && !at.place.outside()) {
    const int32_t end = (static_cast<int32_t>(group) + 1) * s.offset_channels;
    for (int32_t c = static_cast<int32_t>(group) * s.offset_channels + lane * width; c < end; c += lanes * width) {
      Sum<T> cotangent[width];
      load<width>(cotangents + column_place(s, in.block.count, p, tap, c), cotangent);
      Sum<T>* gradient = sums.pictures ? at.channels_of(sums.pictures, s, c) : nullptr;
      unread_place<width, with_places>(at.place, cotangent, at.channels_of(in.pictures, s, c), gradient, s.channels,
                                       dots);
    }
  }
  if constexpr (with_places) {
#pragma unroll
    for (int i = 0; i < 4; ++i) dots.dot[i] = sum_over_lanes(dots.dot[i], lanes);
    if (!active || lane != 0) return;
    if (sums.offset.data) {
      sums.offset.at(at.picture, 2 * map, at.position) = dots.y_gradient(at.place);
      sums.offset.at(at.picture, 2 * map + 1, at.position) = dots.x_gradient(at.place);
    }
    if (sums.mask.data) sums.mask.at(at.picture, map, at.position) = dots.scale_gradient(at.place);
  }
}

}  // namespace adsam
