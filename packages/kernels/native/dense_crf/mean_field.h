#pragma once

#include <cstdint>

namespace adsam {

/** Marginals are rows of `stride` numbers, classes first; those beyond the classes stay 0. */
struct RowLayout {
  int64_t classes, stride;
};

/** row[c] = ln max(least, probabilities[c · area]). */
void log_row(const float* probabilities, int64_t area, RowLayout layout, float* row);

/** row = exp(row) / Σ exp(row) over the classes. */
void softmax_row(RowLayout layout, float* row);

}  // namespace adsam
