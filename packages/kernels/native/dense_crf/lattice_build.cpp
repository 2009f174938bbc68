/** Which vertices a lattice has, which of them lie around each place and which beside each other. */
#include <ATen/Parallel.h>

#include <limits>

#include "common/check.h"
#include "dense_crf/keys.h"
#include "dense_crf/lattice.h"
#include "dense_crf/vertex_table.h"

namespace adsam {
namespace {

/** Places whose vertices are numbered together before all are merged; fixed, so that the numbers are the same on any
 * threads. */
constexpr int64_t kStrip = 1 << 14;

Keys keys_for(const float* features, const float* scales, int64_t count, int dims) {
  const int64_t strips = at::divup(count, kStrip);
  std::vector<int32_t> least(strips * dims, std::numeric_limits<int32_t>::max()),
      most(strips * dims, std::numeric_limits<int32_t>::min());
  at::parallel_for(0, strips, 1, [&](int64_t begin, int64_t end) {
    Simplex simplex;
    for (int64_t i = begin * kStrip; i < std::min(count, end * kStrip); ++i) {
      find_simplex(features + i * dims, scales, dims, simplex);
      for (int k = 0; k < dims; ++k) {
        int32_t &low = least[i / kStrip * dims + k], &high = most[i / kStrip * dims + k];
        low = std::min(low, simplex.cell[k]);
        high = std::max(high, simplex.cell[k]);
      }
    }
  });
  for (int64_t i = dims; i < strips * dims; ++i) {
    least[i % dims] = std::min(least[i % dims], least[i]);
    most[i % dims] = std::max(most[i % dims], most[i]);
  }
  return Keys(dims, least.data(), most.data());
}

}  // namespace

Lattice::Lattice(const float* features, int64_t count, int dims) : count_(count), dims_(dims) {
  // As in Adams' published code. Amid many places the result is then an even share of the Gaussian's sum, 0.88 for two
  // features; who needs the sum itself normalises, as dense_crf does.
  gain_ = 1.0f / (1.0f + std::ldexp(1.0f, -dims));
  const std::vector<float> scales = lattice_scales(dims);
  const Keys keys = keys_for(features, scales.data(), count, dims);
  const int64_t corners = dims + 1, strips = at::divup(count, kStrip);
  ADSAM_CHECK(count * corners < std::numeric_limits<int32_t>::max(), "permutohedral lattice",
              c10::str(count, " places"), "fewer than 2^31 corners of their simplices", "Filter a smaller picture.");
  corner_.resize(count * corners);
  corner_weight_.resize(count * corners);
  // Each strip numbers its own vertices; a vertex is looked for in the table of all once a strip and not once a place.
  std::vector<std::vector<int64_t>> strip_keys(strips);
  at::parallel_for(0, strips, 1, [&](int64_t begin, int64_t end) {
    Simplex simplex;
    int64_t found[kMostDims + 1];
    for (int64_t strip = begin; strip < end; ++strip) {
      VertexTable own(kStrip / 4);
      for (int64_t i = strip * kStrip; i < std::min(count, (strip + 1) * kStrip); ++i) {
        find_simplex(features + i * dims, scales.data(), dims, simplex);
        keys.of(simplex, found);
        for (int64_t k = 0; k < corners; ++k) {
          corner_[i * corners + k] = own.add(found[k]);
          corner_weight_[i * corners + k] = simplex.weight[k];
        }
      }
      strip_keys[strip] = own.keys();
    }
  });
  VertexTable all(count / 4);
  std::vector<std::vector<int32_t>> numbers(strips);
  for (int64_t strip = 0; strip < strips; ++strip)
    for (const int64_t key : strip_keys[strip]) numbers[strip].push_back(all.add(key) + 1);
  at::parallel_for(0, strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin * kStrip * corners; e < std::min(count, end * kStrip) * corners; ++e)
      corner_[e] = numbers[e / (kStrip * corners)][corner_[e]];
  });
  vertices_ = static_cast<int64_t>(all.keys().size());
  // A neighbour that is not a vertex is row 0. Each vertex is above exactly one other, so no two threads write one
  // place.
  up_.assign(corners * (vertices_ + 1), 0);
  down_.assign(corners * (vertices_ + 1), 0);
  at::parallel_for(0, vertices_, kStrip, [&](int64_t begin, int64_t end) {
    for (int axis = 0; axis <= dims; ++axis)
      for (int64_t v = begin; v < end; ++v) {
        const int32_t above = all.number(keys.neighbour(all.keys()[v], axis)) + 1;
        if (above == 0) continue;
        up_[axis * (vertices_ + 1) + v + 1] = above;
        down_[axis * (vertices_ + 1) + above] = static_cast<int32_t>(v + 1);
      }
  });
  gather_shares();
}

/** The corners of the places, sorted by vertex: what a vertex receives, it gathers by itself. */
void Lattice::gather_shares() {
  const int64_t corners = dims_ + 1;
  first_share_.assign(vertices_ + 2, 0);
  for (const int32_t vertex : corner_) ++first_share_[vertex + 1];
  for (int64_t v = 0; v <= vertices_; ++v) first_share_[v + 1] += first_share_[v];
  shares_.resize(corner_.size());
  std::vector<int64_t> next(first_share_.begin(), first_share_.end() - 1);
  for (int64_t e = 0; e < count_ * corners; ++e)
    shares_[next[corner_[e]]++] = {static_cast<int32_t>(e / corners), corner_weight_[e]};
}

}  // namespace adsam
