#include "hybrid_loss/tile.h"

#include <algorithm>

#include "common/exp_log.h"
#include "common/on_cpu.h"

namespace adsam {
namespace {

template <typename S, typename T>
ADSAM_INLINE void load(const S* from, const PixelLayout& layout, Tile<T>& tile) {
  for (int64_t label = 0; label < tile.classes; ++label) {
    const S* source = from + label * layout.class_stride;
    T* __restrict row = tile.row(label);
    if (layout.pixel_stride == 1)
      for (int64_t i = 0; i < tile.count; ++i) row[i] = static_cast<T>(source[i]);
    else
      for (int64_t i = 0; i < tile.count; ++i) row[i] = static_cast<T>(source[i * layout.pixel_stride]);
  }
}

void load_rows(const float* from, const PixelLayout& layout, Tile<float>& tile) {
  on_cpu<load<float, float>>(from, layout, tile);
}
void load_rows(const at::BFloat16* from, const PixelLayout& layout, Tile<float>& tile) {
  on_cpu<load<at::BFloat16, float>>(from, layout, tile);
}
void load_rows(const at::Half* from, const PixelLayout& layout, Tile<float>& tile) {
  on_cpu<load<at::Half, float>>(from, layout, tile);
}

template <typename T>
ADSAM_INLINE void softmax_body(Tile<T>& tile) {
  const int64_t count = tile.count;
  T max[kTilePixels], sum[kTilePixels];
  std::copy_n(tile.row(0), count, max);
  for (int64_t label = 1; label < tile.classes; ++label) {
    const T* row = tile.row(label);
    for (int64_t i = 0; i < count; ++i) max[i] = row[i] > max[i] ? row[i] : max[i];  // std::max is not made vector code
  }
  const T* logits = tile.row(0);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = std::max<int64_t>(tile.labels[i], 0);
    tile.log_p[i] = logits[label * kTilePixels + i] - max[i];  // the sum's logarithm goes off below
    sum[i] = 0;
  }
  for (int64_t label = 0; label < tile.classes; ++label) {
    T* __restrict row = tile.row(label);
    for (int64_t i = 0; i < count; ++i) {
      row[i] = exp_not_positive(row[i] - max[i]);
      sum[i] += row[i];
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    const T own = exp_not_positive(tile.log_p[i]);
    tile.inverse_sum[i] = 1 / sum[i];
    tile.p[i] = own * tile.inverse_sum[i];
    tile.miss[i] = (sum[i] - own) * tile.inverse_sum[i];
    tile.log_p[i] -= log_from_one(sum[i]);
  }
}

template <typename T>
ADSAM_INLINE void spread_body(const Tile<T>& tile, T* probabilities, int64_t class_stride, double* mass) {
  for (int64_t label = 0; label < tile.classes; ++label) {
    const T* row = tile.row(label);
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < tile.count; ++i) sum += tile.labels[i] < 0 ? 0 : row[i] * tile.inverse_sum[i];
    mass[label] += sum;
    if (!probabilities) continue;
    T* __restrict out = probabilities + label * class_stride;
    for (int64_t i = 0; i < tile.count; ++i) out[i] = row[i] * tile.inverse_sum[i];
  }
}

template <typename T>
ADSAM_INLINE void chain_body(const Tile<T>& tile, const Slopes<T>& slopes, const T* by_log, const PixelLayout& layout,
                             T* gradient) {
  T inner[kTilePixels];  // Σ_k p_k D_k + l
  for (int64_t i = 0; i < tile.count; ++i) inner[i] = 0;
  for (int64_t label = 0; label < tile.classes; ++label) {
    const T *row = tile.row(label), *at_pixel = slopes.at_pixel[label], everywhere = slopes.everywhere[label];
    if (at_pixel)
      for (int64_t i = 0; i < tile.count; ++i) inner[i] += row[i] * (everywhere + at_pixel[i]);
    else
      for (int64_t i = 0; i < tile.count; ++i) inner[i] += row[i] * everywhere;
  }
  for (int64_t i = 0; i < tile.count; ++i) inner[i] = inner[i] * tile.inverse_sum[i] + by_log[i];
  const int64_t stride = layout.pixel_stride;
  for (int64_t label = 0; label < tile.classes; ++label) {
    const T *row = tile.row(label), *at_pixel = slopes.at_pixel[label], everywhere = slopes.everywhere[label];
    T* out = gradient + label * layout.class_stride;
    T result[kTilePixels];
    for (int64_t i = 0; i < tile.count; ++i) result[i] = everywhere - inner[i];
    if (at_pixel)
      for (int64_t i = 0; i < tile.count; ++i) result[i] += at_pixel[i];
    for (int64_t i = 0; i < tile.count; ++i) {
      const T by_class = row[i] * tile.inverse_sum[i] * result[i] + (tile.labels[i] == label ? by_log[i] : 0);
      result[i] = tile.labels[i] < 0 ? 0 : by_class;
    }
    if (stride == 1)
      std::copy_n(result, tile.count, out);
    else
      for (int64_t i = 0; i < tile.count; ++i) out[i * stride] = result[i];
  }
}

}  // namespace

void load_logits(const Tensor& logits, const PixelLayout& layout, int64_t picture, int64_t first, Tile<float>& tile) {
  const int64_t at = picture * layout.picture_stride + first * layout.pixel_stride;
  switch (logits.scalar_type()) {
    case at::kFloat:
      return load_rows(logits.data_ptr<float>() + at, layout, tile);
    case at::kBFloat16:
      return load_rows(logits.data_ptr<at::BFloat16>() + at, layout, tile);
    default:
      return load_rows(logits.data_ptr<at::Half>() + at, layout, tile);
  }
}
void load_logits(const Tensor& logits, const PixelLayout& layout, int64_t picture, int64_t first, Tile<double>& tile) {
  load(logits.data_ptr<double>() + picture * layout.picture_stride + first * layout.pixel_stride, layout, tile);
}

void softmax(Tile<float>& tile) { on_cpu<softmax_body<float>>(tile); }
void softmax(Tile<double>& tile) { softmax_body(tile); }

void spread_probabilities(const Tile<float>& tile, float* probabilities, int64_t class_stride,
                          double* mass) {
  on_cpu<spread_body<float>>(tile, probabilities, class_stride, mass);
}
void spread_probabilities(const Tile<double>& tile, double* probabilities, int64_t class_stride, double* mass) {
  spread_body(tile, probabilities, class_stride, mass);
}

void chain(const Tile<float>& tile, const Slopes<float>& slopes, const float* by_log,
           const PixelLayout& layout, float* gradient) {
  on_cpu<chain_body<float>>(tile, slopes, by_log, layout, gradient);
}
void chain(const Tile<double>& tile, const Slopes<double>& slopes, const double* by_log, const PixelLayout& layout,
           double* gradient) {
  chain_body(tile, slopes, by_log, layout, gradient);
}

}  // namespace adsam
