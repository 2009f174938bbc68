#include "dense_crf/mean_field.h"

#include <algorithm>

#include "common/exp_log.h"
#include "common/on_cpu.h"

namespace adsam {

/** What pydensecrf's `unary_from_softmax` takes for the least probability: no class is impossible. */
constexpr float kLeast = 1e-5f;

void log_row(const float* probabilities, int64_t area, RowLayout layout, float* row) {
  for (int64_t c = 0; c < layout.classes; ++c)
    row[c] = -log_from_one(1.0f / std::min(1.0f, std::max(kLeast, probabilities[c * area])));
}

namespace {

ADSAM_INLINE void softmax_row_body(RowLayout layout, float* row) {
  float most = row[0], sum = 0.0f;
  for (int64_t c = 1; c < layout.classes; ++c) most = std::max(most, row[c]);
  for (int64_t c = 0; c < layout.classes; ++c) row[c] = exp_not_positive(row[c] - most);
  for (int64_t c = 0; c < layout.classes; ++c) sum += row[c];
  const float scale = 1.0f / sum;
  for (int64_t c = 0; c < layout.classes; ++c) row[c] *= scale;
}

}  // namespace

void softmax_row(RowLayout layout, float* row) { on_cpu<softmax_row_body>(layout, row); }

}  // namespace adsam
