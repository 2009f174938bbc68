#include "dense_crf/lattice.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "common/on_cpu.h"

namespace adsam {
namespace {

/** Rows a thread takes at once. */
constexpr int64_t kGrain = 1024;

/** out[c] += weight · row[c] */
ADSAM_INLINE void add_row(const float* row, float weight, int64_t stride, float* out) {
#pragma omp simd
  for (int64_t c = 0; c < stride; ++c) out[c] += weight * row[c];
}

ADSAM_INLINE void sum_shares(const float* values, const Share* shares, int64_t count, int64_t stride, float* out) {
  for (int64_t c = 0; c < stride; ++c) out[c] = 0.0f;
  for (int64_t s = 0; s < count; ++s) add_row(values + shares[s].place * stride, shares[s].weight, stride, out);
}

/** Rows begin…end of `out`: each the row itself and half of either neighbour. */
ADSAM_INLINE void blur_rows(const float* map, const int32_t* up, const int32_t* down, int64_t begin, int64_t end,
                            int64_t stride, float* out) {
  for (int64_t v = begin; v < end; ++v) {
    const float *own = map + v * stride, *above = map + up[v] * stride, *below = map + down[v] * stride;
    float* to = out + v * stride;
#pragma omp simd
    for (int64_t c = 0; c < stride; ++c) to[c] = own[c] + 0.5f * (above[c] + below[c]);
  }
}

ADSAM_INLINE void add_corners(const float* map, const int32_t* corner, const float* weight, int corners, float factor,
                              int64_t stride, float* out) {
  for (int k = 0; k < corners; ++k) add_row(map + corner[k] * stride, factor * weight[k], stride, out);
}

}  // namespace

void Lattice::scale(const std::vector<float>& factors) {
  const int64_t corners = dims_ + 1;
  at::parallel_for(0, count_ * corners, kGrain * corners, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; ++e) {
      corner_weight_[e] *= factors[e / corners];
      shares_[e].weight *= factors[shares_[e].place];
    }
  });
}

void Lattice::filter(const float* values, int64_t stride) {
  stride_ = stride;
  map_.resize((vertices_ + 1) * stride);
  blurred_.resize((vertices_ + 1) * stride);
  for (std::vector<float>* map : {&map_, &blurred_})
    std::fill_n(map->begin(), stride, 0.0f);  // row 0: what is not there
  splat(values);
  for (int axis = 0; axis <= dims_; ++axis) blur(axis);
}

void Lattice::splat(const float* values) {
  at::parallel_for(1, vertices_ + 1, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t v = begin; v < end; ++v)
      on_cpu<sum_shares>(values, shares_.data() + first_share_[v], first_share_[v + 1] - first_share_[v], stride_,
                         map_.data() + v * stride_);
  });
}

void Lattice::blur(int axis) {
  const int64_t from = axis * (vertices_ + 1);
  at::parallel_for(1, vertices_ + 1, kGrain, [&](int64_t begin, int64_t end) {
    on_cpu<blur_rows>(map_.data(), up_.data() + from, down_.data() + from, begin, end, stride_, blurred_.data());
  });
  map_.swap(blurred_);
}

void Lattice::add_filtered(int64_t place, float factor, float* out) const {
  const int64_t first = place * (dims_ + 1);
  on_cpu<add_corners>(map_.data(), corner_.data() + first, corner_weight_.data() + first, dims_ + 1, factor * gain_,
                      stride_, out);
}

}  // namespace adsam
