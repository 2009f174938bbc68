#include "common/check.h"
#include "lovasz/lovasz.h"

namespace adsam {

void check_labelled(const char* op, const char* name, const Tensor& maps, const Tensor& labels) {
  check_rank(op, name, "[B, C, H, W]", maps, 4);
  check_floating(op, name, maps);
  check_rank(op, "labels", "[B, H, W]", labels, 3);
  ADSAM_CHECK(labels.scalar_type() == at::kLong || labels.scalar_type() == at::kByte, c10::str(op, " labels"),
              c10::str("dtype ", labels.scalar_type()), "int64 or uint8 class numbers", "Convert it with to(dtype).");
  check_same_device(op, "labels", labels, name, maps);
  check_shape(op, "labels", "[B, H, W]", labels, {maps.size(0), maps.size(2), maps.size(3)},
              c10::str("Resize the ", name, " to the labels, not the labels to the ", name, ".").c_str());
  ADSAM_CHECK(maps.size(0) > 0 && maps.size(1) > 0, c10::str(op, " ", name), c10::str("shape ", maps.sizes()),
              "at least one picture and one class", "The mean over nothing has no value.");
  ADSAM_CHECK(labels.numel() < int64_t{1} << 31, c10::str(op, " labels"), c10::str("shape ", labels.sizes()),
              "fewer than 2^31 pixels", "Cut the batch.");
}

void check_lovasz(const Tensor& probabilities, const Tensor& labels) {
  check_labelled("lovasz_softmax", "probabilities", probabilities, labels);
}

}  // namespace adsam
