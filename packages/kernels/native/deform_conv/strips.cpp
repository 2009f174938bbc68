#include "deform_conv/strips.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace adsam {
namespace {

// Halos may take this many times the picture's gradient; beyond, where offsets are wild, fewer threads share a picture.
constexpr int64_t kMostHaloPictures = 8;

/** Rows of the picture that taps of output rows [strip.begin, strip.end) touch, together with those it owns. */
template <typename T>
void find_reach(const DeformGeometry& g, const MapView<const T>& offset, Strip& strip) {
  T low = std::numeric_limits<T>::infinity(), high = -low;
  for (int64_t map = 0; map < g.offset_groups * g.taps(); ++map) {
    const int64_t tap_y = map % g.taps() / g.kernel.x * g.dilation.y - g.padding.y;
    for (int64_t y = strip.begin; y < strip.end; ++y) {
      const T* dy = offset.data + 2 * map * offset.channel + y * offset.row;
      T least = std::numeric_limits<T>::infinity(), most = -least;
#pragma omp simd reduction(min : least) reduction(max : most)
      for (int64_t x = 0; x < g.out_width; ++x) {
        const T value = dy[x * offset.column];
        least = value < least ? value : least;  // a NaN touches no row
        most = value > most ? value : most;
      }
      const T row = static_cast<T>(y * g.stride.y + tap_y);
      low = std::min(low, row + least), high = std::max(high, row + most);
    }
  }
  const T begin = static_cast<T>(strip.own_begin), end = static_cast<T>(strip.own_end);
  strip.reach_begin = static_cast<int64_t>(std::max(T(0), std::min(begin, std::floor(low))));
  strip.reach_end = static_cast<int64_t>(std::min(static_cast<T>(g.height), std::max(end, std::floor(high) + 2)));
}

template <typename T>
std::vector<Strip> cut(const DeformGeometry& g, const Tensor& offset, int64_t strips) {
  std::vector<Strip> result;
  for (int64_t b = 0; b < g.batch; ++b)
    for (int64_t i = 0; i < strips; ++i)
      result.push_back({b, i * g.out_height / strips, (i + 1) * g.out_height / strips, i * g.height / strips,
                        (i + 1) * g.height / strips, 0, g.height, 0});
  at::parallel_for(0, static_cast<int64_t>(result.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) find_reach(g, map_view<const T>(offset, result[i].picture), result[i]);
  });
  int64_t halo = 0;
  for (Strip& strip : result) {
    strip.halo = halo;
    halo += strip.halo_rows();
  }
  return result;
}

template <typename T>
void add(T* to, const T* from, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] += from[i];
}

}  // namespace

template <typename T>
std::vector<Strip> output_strips(const DeformGeometry& g, const Tensor& offset, int64_t threads) {
  if (g.batch == 0) return {};
  for (int64_t strips = std::min(threads / std::gcd(threads, g.batch), g.out_height);; strips = at::divup(strips, 2)) {
    std::vector<Strip> result = cut<T>(g, offset, strips);
    const int64_t halo_rows = result.back().halo + result.back().halo_rows();
    if (strips == 1 || halo_rows <= kMostHaloPictures * g.batch * g.height) return result;
  }
}

template <typename T>
PictureSums<T>::PictureSums(const DeformGeometry& g, const std::vector<Strip>& strips) : g_(g), strips_(strips) {
  const auto options = at::TensorOptions().dtype(c10::CppTypeToScalarType<T>::value);
  const int64_t halo_rows = strips.empty() ? 0 : strips.back().halo + strips.back().halo_rows();
  sums_ = at::zeros({g.batch, g.height, g.width, g.channels}, options);
  halos_ = at::zeros({halo_rows, g.width, g.channels}, options);
}

template <typename T>
PixelSums<T> PictureSums<T>::of(const Strip& strip, int64_t channel, T* outside) const {
  const int64_t row = g_.width * g_.channels;
  T* picture = sums_.data_ptr<T>() + strip.picture * g_.height * row + channel;
  T* halo = halos_.data_ptr<T>() + strip.halo * row + channel;
  return {{halo, strip.reach_begin * g_.width},
          {picture + strip.own_begin * row, strip.own_begin * g_.width},
          {halo + (strip.own_begin - strip.reach_begin) * row, strip.own_end * g_.width},
          outside,
          g_.channels};
}

template <typename T>
Tensor PictureSums<T>::total() {
  const int64_t row = g_.width * g_.channels;
  T *sums = sums_.data_ptr<T>(), *halos = halos_.data_ptr<T>();
  at::parallel_for(0, g_.batch * g_.height, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t y = i % g_.height;
      for (const Strip& strip : strips_) {
        if (strip.picture != i / g_.height) continue;
        const T* halo = halos + strip.halo * row;
        if (y >= strip.reach_begin && y < strip.own_begin)
          add(sums + i * row, halo + (y - strip.reach_begin) * row, row);
        else if (y >= strip.own_end && y < strip.reach_end)
          add(sums + i * row, halo + (strip.own_begin - strip.reach_begin + y - strip.own_end) * row, row);
      }
    }
  });
  return sums_;
}

template std::vector<Strip> output_strips<float>(const DeformGeometry&, const Tensor&, int64_t);
template std::vector<Strip> output_strips<double>(const DeformGeometry&, const Tensor&, int64_t);
template class PictureSums<float>;
template class PictureSums<double>;

}  // namespace adsam
