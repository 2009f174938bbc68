#include "common/check.h"
#include "max_pool/max_pool.h"

namespace adsam {

void check_max_pool(const Tensor& input) {
  constexpr const char* kOp = "max_pool_3x3_s2";
  check_rank(kOp, "input", "[B, C, H, W]", input, 4);
  check_floating(kOp, "input", input);
  ADSAM_CHECK(input.size(1) > 0 && input.size(2) > 0 && input.size(3) > 0, c10::str(kOp, " input"),
              c10::str("shape ", input.sizes()), "at least one channel and one pixel", "Only the batch may be empty.");
}

Tensor max_pool_composite(const Tensor& input) {
  check_max_pool(input);
  return at::max_pool2d(input, {3, 3}, {2, 2}, {1, 1});
}

}  // namespace adsam
