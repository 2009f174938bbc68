#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "common/check.h"
#include "distance_transform/distance_transform.h"
#include "distance_transform/envelope.h"
#include "distance_transform/inner_pixels.h"

namespace adsam {

void check_distance_mask(const Tensor& mask) {
  ADSAM_CHECK(
      mask.scalar_type() == at::kBool || mask.scalar_type() == at::kByte, "distance_transform mask",
      c10::str("dtype ", mask.scalar_type()), "bool or uint8",
      "Compare it first, for example labels.eq(classId): distances run from nonzero elements to the nearest zero.");
  ADSAM_CHECK(mask.dim() >= 2, "distance_transform mask", c10::str("shape ", mask.sizes()), "[..., H, W]",
              "Give it a height and a width.");
}

void check_boundary_labels(const Tensor& labels) {
  constexpr auto op = "boundary_squares";
  check_rank(op, "labels", "[B, H, W]", labels, 3);
  ADSAM_CHECK(labels.scalar_type() == at::kLong || labels.scalar_type() == at::kByte, c10::str(op, " labels"),
              c10::str("dtype ", labels.scalar_type()), "int64 or uint8 class numbers", "Convert it with to(dtype).");
  ADSAM_CHECK(std::max(labels.size(1), labels.size(2)) < 1 << 15, c10::str(op, " labels"),
              c10::str("shape ", labels.sizes()), "fewer than 32768 pixels a side, whose squares fit 32 bits",
              "Cut the picture.");
}

namespace {

/** First pass over pictures of `mask`, all threads. Columns in strips of 64: whole cache lines of the mask, and work for
 * every core even with one picture. */
void all_columns(const uint8_t* mask, int64_t pictures, int64_t height, int64_t width, float* distances) {
  constexpr int64_t kStrip = 64;
  const int64_t strips = at::divup(width, kStrip);
  at::parallel_for(0, pictures * strips, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t picture = task / strips * height * width, first = task % strips * kStrip;
      column_distances(mask + picture, height, width, first, std::min(first + kStrip, width), distances + picture);
    }
  });
}

/** Second pass: calls step(place of the row's first pixel, scratch) for every row, all threads. */
template <typename Step>
void all_rows(int64_t rows, int64_t width, const Step& step) {
  at::parallel_for(0, rows, std::max<int64_t>(1, 4096 / width), [&](int64_t begin, int64_t end) {
    std::vector<char> scratch(row_scratch_bytes(width));
    for (int64_t row = begin; row < end; ++row) step(row * width, scratch.data());
  });
}

}  // namespace

Tensor distance_transform_cpu(const Tensor& mask) {
  check_distance_mask(mask);
  Tensor result = at::empty(mask.sizes(), mask.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous));
  if (result.numel() == 0) return result;
  const Tensor source = mask.contiguous();
  const int64_t height = mask.size(-2), width = mask.size(-1), pictures = mask.numel() / (height * width);
  float* out = result.data_ptr<float>();
  all_columns(static_cast<const uint8_t*>(source.data_ptr()), pictures, height, width, out);
  all_rows(pictures * height, width, [&](int64_t place, void* scratch) { row_distances(out + place, width, scratch); });
  return result;
}

Tensor boundary_squares_cpu(const Tensor& labels) {
  check_boundary_labels(labels);
  const Tensor result = at::empty(labels.sizes(), labels.options().dtype(at::kInt));
  if (result.numel() == 0) return result;
  const Tensor source = labels.contiguous();
  const int64_t pictures = labels.size(0), height = labels.size(1), width = labels.size(2);
  const Tensor inner = at::empty(labels.sizes(), labels.options().dtype(at::kByte));
  const auto find_inner = [&](const auto* in) {
    auto* out = inner.data_ptr<uint8_t>();
    at::parallel_for(0, pictures * height, std::max<int64_t>(1, 32768 / width), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t y = row % height, here = row * width;
        inner_pixels(in + here, in + here - (y > 0 ? width : 0), in + here + (y + 1 < height ? width : 0), width,
                     out + here);
      }
    });
  };
  if (labels.scalar_type() == at::kByte)
    find_inner(source.data_ptr<uint8_t>());
  else
    find_inner(source.data_ptr<int64_t>());
  const Tensor columns = at::empty(labels.sizes(), labels.options().dtype(at::kFloat));
  const float* distances = columns.data_ptr<float>();
  all_columns(inner.data_ptr<uint8_t>(), pictures, height, width, columns.data_ptr<float>());
  auto* squares = result.data_ptr<int32_t>();
  all_rows(pictures * height, width, [&](int64_t place, void* scratch) {
    row_squares(distances + place, width, scratch, squares + place);
  });
  return result;
}

}  // namespace adsam
