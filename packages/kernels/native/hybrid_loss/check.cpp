#include "common/check.h"
#include "hybrid_loss/hybrid_loss.h"
#include "lovasz/lovasz.h"

namespace adsam {

void check_hybrid(const Tensor& logits, const Tensor& labels, const Tensor& distances, const HybridSettings& settings) {
  constexpr auto op = "hybrid_loss";
  check_labelled(op, "logits", logits, labels);
  const auto factors = static_cast<int64_t>(settings.class_weights.size());
  ADSAM_CHECK(factors == 0 || factors == logits.size(1), c10::str(op, " class_weights"), c10::str(factors, " of them"),
              c10::str(logits.size(1), ", one a class"), "Leave them out where all classes weigh the same.");
  if (settings.weights[kSurface] == 0) return;
  ADSAM_CHECK(distances.defined(), c10::str(op, " distances"), "none", "[B, H, W] for a surface term that has a weight",
              "Compute them from the labels, or set its weight to 0.");
  const std::vector<int64_t> pixels{logits.size(0), logits.size(2), logits.size(3)};
  check_shape(op, "distances", "[B, H, W]", distances, pixels, "Compute them from these labels.");
  ADSAM_CHECK(distances.scalar_type() == at::kFloat, c10::str(op, " distances"),
              c10::str("dtype ", distances.scalar_type()), "float32", "Convert it with to(dtype).");
  check_same_device(op, "distances", distances, "logits", logits);
}

}  // namespace adsam
