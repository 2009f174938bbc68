#pragma once

#include <cstdint>
#include <vector>

#include "common/tensors.h"

namespace adsam {

/** Labels as a kernel wants them: small, checked, and counted. */
struct CompactLabels {
  static constexpr int16_t kIgnored = -1;

  int64_t batch, classes, pixels;  // pixels of one picture
  std::vector<int16_t> ids;        // [B · H·W], 0 … classes − 1 or kIgnored
  std::vector<int64_t> histogram;  // [B · C], pixels of each class

  int64_t count(int64_t picture, int64_t label) const { return histogram[picture * classes + label]; }
};

/**
 * Reads labels [B, H, W], int64 or uint8.
 * @throws c10::Error, under the operator's name, on a label that is neither a class nor ignored
 */
CompactLabels read_labels(const char* op, const Tensor& labels, int64_t classes, int64_t ignore_index);

/** Throws the error for a label that is neither a class nor ignored. */
[[noreturn]] void refuse_label(const char* op, int64_t label, int64_t classes, int64_t ignore_index);

}  // namespace adsam
