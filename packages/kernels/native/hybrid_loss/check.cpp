#include "common/check.h"
#include "hybrid_loss/hybrid_loss.h"

namespace adsam {

void check_hybrid(const Tensor& logits, const Tensor& labels, const Tensor& distances, const HybridSettings& settings) {
  constexpr auto op = "hybrid_loss";
  check_rank(op, "logits", "[B, C, H, W]", logits, 4);
  check_floating(op, "logits", logits);
  check_rank(op, "labels", "[B, H, W]", labels, 3);
  ADSAM_CHECK(labels.scalar_type() == at::kLong || labels.scalar_type() == at::kByte, c10::str(op, " labels"),
              c10::str("dtype ", labels.scalar_type()), "int64 or uint8 class numbers", "Convert it with to(dtype).");
  check_same_device(op, "labels", labels, "logits", logits);
  const std::vector<int64_t> pixels{logits.size(0), logits.size(2), logits.size(3)};
  check_shape(op, "labels", "[B, H, W]", labels, pixels, "Upsample the logits to the labels' size before the loss.");
  ADSAM_CHECK(logits.size(0) > 0 && logits.size(1) > 0, c10::str(op, " logits"), c10::str("shape ", logits.sizes()),
              "at least one picture and one class", "The mean over nothing has no value.");
  ADSAM_CHECK(labels.numel() < int64_t{1} << 31, c10::str(op, " labels"), c10::str("shape ", labels.sizes()),
              "fewer than 2^31 pixels", "Cut the batch.");
  const auto factors = static_cast<int64_t>(settings.class_weights.size());
  ADSAM_CHECK(factors == 0 || factors == logits.size(1), c10::str(op, " class_weights"), c10::str(factors, " of them"),
              c10::str(logits.size(1), ", one a class"), "Leave them out where all classes weigh the same.");
  if (settings.weights[kSurface] == 0) return;
  ADSAM_CHECK(distances.defined(), c10::str(op, " distances"), "none", "[B, H, W] for a surface term that has a weight",
              "Compute them from the labels, or set its weight to 0.");
  check_shape(op, "distances", "[B, H, W]", distances, pixels, "Compute them from these labels.");
  ADSAM_CHECK(distances.scalar_type() == at::kFloat, c10::str(op, " distances"),
              c10::str("dtype ", distances.scalar_type()), "float32", "Convert it with to(dtype).");
  check_same_device(op, "distances", distances, "logits", logits);
}

}  // namespace adsam
