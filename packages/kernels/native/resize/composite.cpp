#include "common/check.h"
#include "resize/resize.h"

namespace adsam {

void check_resize(const Tensor& input, IntArrayRef size) {
  constexpr const char* kOp = "resize_bilinear";
  check_rank(kOp, "input", "[B, C, H, W]", input, 4);
  check_floating(kOp, "input", input);
  ADSAM_CHECK(input.size(2) > 0 && input.size(3) > 0, c10::str(kOp, " input"), c10::str("shape ", input.sizes()),
              "at least one pixel", "There is nothing to read.");
  ADSAM_CHECK(size.size() == 2 && size[0] > 0 && size[1] > 0, c10::str(kOp, " size"), size,
              "height and width of at least 1", "Correct it.");
}

void check_resize_cat(const Tensor& input, const Tensor& skip) {
  constexpr const char* kOp = "resize_bilinear_cat";
  check_rank(kOp, "input", "[B, C1, h, w]", input, 4);
  check_rank(kOp, "skip", "[B, C2, H, W]", skip, 4);
  check_floating(kOp, "input", input);
  check_same_dtype(kOp, "skip", skip, "input", input);
  check_same_device(kOp, "skip", skip, "input", input);
  ADSAM_CHECK(input.size(2) > 0 && input.size(3) > 0, c10::str(kOp, " input"), c10::str("shape ", input.sizes()),
              "at least one pixel", "There is nothing to read.");
  ADSAM_CHECK(skip.size(0) == input.size(0) && skip.size(2) > 0 && skip.size(3) > 0, c10::str(kOp, " skip"),
              c10::str("shape ", skip.sizes()), c10::str("[", input.size(0), ", C2, H, W] with at least one pixel"),
              "Both need a picture for each of the batch.");
}

Tensor resize_bilinear_composite(const Tensor& input, IntArrayRef size, bool row_major) {
  check_resize(input, size);
  const Tensor output = at::upsample_bilinear2d(input.to(compute_type(input)), size, /*align_corners*/ false);
  return (row_major ? output.contiguous() : output).to(input.scalar_type());
}

Tensor resize_bilinear_cat_composite(const Tensor& input, const Tensor& skip) {
  check_resize_cat(input, skip);
  const auto last = [](const Tensor& map) { return map.contiguous(at::MemoryFormat::ChannelsLast); };
  return at::cat({resize_bilinear_composite(last(input), skip.sizes().slice(2), false), last(skip)}, 1);
}

}  // namespace adsam
