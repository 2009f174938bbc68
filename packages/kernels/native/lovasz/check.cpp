#include "common/check.h"
#include "lovasz/lovasz.h"

namespace adsam {

namespace {
constexpr const char* kOp = "lovasz_softmax";
}

void check_lovasz(const Tensor& probabilities, const Tensor& labels) {
  check_rank(kOp, "probabilities", "[B, C, H, W]", probabilities, 4);
  check_floating(kOp, "probabilities", probabilities);
  check_rank(kOp, "labels", "[B, H, W]", labels, 3);
  ADSAM_CHECK(labels.scalar_type() == at::kLong || labels.scalar_type() == at::kByte, c10::str(kOp, " labels"),
              c10::str("dtype ", labels.scalar_type()), "int64 or uint8 class numbers", "Convert it with to(dtype).");
  check_same_device(kOp, "labels", labels, "probabilities", probabilities);
  check_shape(kOp, "labels", "[B, H, W]", labels, {probabilities.size(0), probabilities.size(2), probabilities.size(3)},
              "Resize the probabilities to the labels, not the labels to the probabilities.");
  ADSAM_CHECK(probabilities.size(0) > 0 && probabilities.size(1) > 0, c10::str(kOp, " probabilities"),
              c10::str("shape ", probabilities.sizes()), "at least one picture and one class",
              "The mean over nothing has no value.");
  ADSAM_CHECK(labels.numel() < int64_t{1} << 31, c10::str(kOp, " labels"), c10::str("shape ", labels.sizes()),
              "fewer than 2^31 pixels", "Cut the batch.");
}

}  // namespace adsam
