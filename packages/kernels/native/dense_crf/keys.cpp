#include "dense_crf/keys.h"

#include "common/check.h"

namespace adsam {

Keys::Keys(int dims, const int32_t* least, const int32_t* most) : dims_(dims) {
  int shift = 0;
  for (int i = 0; i < dims; ++i) {
    // Vertices lie up to one below the first one's quotient, their neighbours one further on either side; and one more,
    // should a quotient be rounded otherwise where it is computed again.
    origin_[i] = least[i] - 3;
    const int64_t values = int64_t{most[i]} - least[i] + 7;
    step_[i] = int64_t{1} << shift;
    all_steps_ += step_[i];
    while ((int64_t{1} << shift) < step_[i] * values && shift < 62) ++shift;
  }
  step_[dims] = 0;
  remainder_shift_ = shift;
  ADSAM_CHECK(shift + 3 <= 63, "permutohedral lattice", c10::str("features that span ", shift, " bits"), "60 or fewer",
              "Take greater deviations (sigma), or a smaller picture.");
  remainder_step_ = int64_t{1} << shift;
}

}  // namespace adsam
