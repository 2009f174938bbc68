#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "common/check.h"
#include "distance_transform/distance_transform.h"
#include "distance_transform/envelope.h"

namespace adsam {

void check_distance_mask(const Tensor& mask) {
  ADSAM_CHECK(
      mask.scalar_type() == at::kBool || mask.scalar_type() == at::kByte, "distance_transform mask",
      c10::str("dtype ", mask.scalar_type()), "bool or uint8",
      "Compare it first, for example labels.eq(classId): distances run from nonzero elements to the nearest zero.");
  ADSAM_CHECK(mask.dim() >= 2, "distance_transform mask", c10::str("shape ", mask.sizes()), "[..., H, W]",
              "Give it a height and a width.");
}

Tensor distance_transform_cpu(const Tensor& mask) {
  check_distance_mask(mask);
  Tensor result = at::empty(mask.sizes(), mask.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous));
  if (result.numel() == 0) return result;
  const Tensor source = mask.contiguous();
  const int64_t height = mask.size(-2), width = mask.size(-1), pictures = mask.numel() / (height * width);
  const auto* in = static_cast<const uint8_t*>(source.data_ptr());
  float* out = result.data_ptr<float>();

  // Columns in strips of 64: whole cache lines of the mask, and work for every core even with one picture.
  constexpr int64_t kStrip = 64;
  const int64_t strips = at::divup(width, kStrip);
  at::parallel_for(0, pictures * strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t picture = task / strips * height * width, first = task % strips * kStrip;
      column_distances(in + picture, height, width, first, std::min(first + kStrip, width), out + picture);
    }
  });
  const int64_t row_grain = std::max<int64_t>(1, 4096 / width);
  at::parallel_for(0, pictures * height, row_grain, [&](int64_t begin, int64_t end) {
    std::vector<char> scratch(row_scratch_bytes(width));
    for (int64_t row = begin; row < end; ++row) row_distances(out + row * width, width, scratch.data());
  });
  return result;
}

}  // namespace adsam
