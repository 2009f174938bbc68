#include <ATen/Parallel.h>

#include <cstring>
#include <utility>
#include <vector>

#include "common/check.h"
#include "label_map/label_map.h"
#include "label_map/rows.h"

namespace adsam {

void check_label_map(const Tensor& logits, int64_t height, int64_t width) {
  check_rank("label_map", "logits", "[B, C, h, w]", logits, 4);
  check_floating("label_map", "logits", logits);
  ADSAM_CHECK(logits.size(1) >= 1 && logits.size(1) <= 254, "label_map logits", c10::str(logits.size(1), " classes"),
              "1 to 254", "Ids are bytes.");
  ADSAM_CHECK(logits.size(2) > 0 && logits.size(3) > 0, "label_map logits", c10::str("shape ", logits.sizes()),
              "a height and a width above 0", "There is nothing to enlarge.");
  ADSAM_CHECK(height > 0 && width > 0, "label_map size", c10::str(height, " by ", width), "above 0",
              "Give it the height and width of the label.");
}

namespace {

/** One row of the source, all its classes enlarged; kept while it is one of the two that output rows lie between. */
struct EnlargedRow {
  int64_t source = -1;
  std::vector<float> values;  // [C, stride]
};

}  // namespace

Tensor label_map_cpu(const Tensor& logits, int64_t height, int64_t width) {
  check_label_map(logits, height, width);
  const Tensor source = dense(logits.detach(), at::kFloat);
  const int64_t batch = source.size(0), classes = source.size(1), from_height = source.size(2),
                from_width = source.size(3);
  Tensor result = at::empty({batch, height, width}, source.options().dtype(at::kByte));
  const auto* in = source.data_ptr<float>();
  auto* out = result.data_ptr<uint8_t>();
  const Between rows = places_between(from_height, height), columns = places_between(from_width, width);
  const int64_t stride = at::divup(width, kPixelBlock) * kPixelBlock;
  // A chunk enlarges its first two rows afresh: not too few rows a chunk, nor too few chunks.
  constexpr int64_t kGrain = 16;
  at::parallel_for(0, batch * height, kGrain, [&](int64_t begin, int64_t end) {
    EnlargedRow upper{-1, std::vector<float>(classes * stride)}, lower{-1, std::vector<float>(classes * stride)};
    const auto fill = [&](EnlargedRow& row, int64_t picture, int64_t y) {
      row.source = picture * from_height + y;
      for (int64_t c = 0; c < classes; ++c) {
        const float* from = in + ((picture * classes + c) * from_height + y) * from_width;
        float* to = row.values.data() + c * stride;
        if (width == from_width)
          std::memcpy(to, from, width * sizeof(float));
        else
          enlarge_row(from, from_width, columns, width, to);
      }
    };
    for (int64_t i = begin; i < end; ++i) {
      const int64_t picture = i / height, y = i % height, first = rows.first[y], second = rows.second[y];
      const int64_t first_source = picture * from_height + first, second_source = picture * from_height + second;
      if (upper.source != first_source && lower.source == first_source) std::swap(upper, lower);
      if (upper.source != first_source) fill(upper, picture, first);
      const bool blended = second != first && rows.second_share[y] != 0.0f;
      if (blended && lower.source != second_source) fill(lower, picture, second);
      best_class(upper.values.data(), blended ? lower.values.data() : upper.values.data(), rows.first_share[y],
                 rows.second_share[y], classes, stride, width, out + i * width);
    }
  });
  return result;
}

}  // namespace adsam
