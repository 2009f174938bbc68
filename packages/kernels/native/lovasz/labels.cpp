#include "lovasz/labels.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

#include "common/check.h"

namespace adsam {
namespace {

constexpr int64_t kBlock = 1 << 15;  // pixels of one task

/** One block of one picture. Four counters a class in turn, so that a run of one label does not wait for its own count. */
template <typename L>
void read_block(const char* op, const L* source, int64_t count, int64_t classes, int64_t ignore_index, int16_t* ids,
                int64_t* histogram) {
  constexpr int64_t lanes = 4;
  std::vector<int64_t> counts((classes + 1) * lanes, 0);  // the ignored before the classes
  for (int64_t i = 0; i < count; ++i) {
    const int64_t label = source[i];
    const bool ignored = label == ignore_index;
    if (!ignored && (label < 0 || label >= classes)) refuse_label(op, label, classes, ignore_index);
    const auto id = ignored ? CompactLabels::kIgnored : static_cast<int16_t>(label);
    ids[i] = id;
    ++counts[(id + 1) * lanes + i % lanes];
  }
  for (int64_t label = 0; label < classes; ++label)
    for (int64_t lane = 0; lane < lanes; ++lane) histogram[label] += counts[(label + 1) * lanes + lane];
}

template <typename L>
void read_all(const char* op, const Tensor& labels, int64_t ignore_index, CompactLabels& result) {
  const auto [batch, classes, pixels] = std::tie(result.batch, result.classes, result.pixels);
  const int64_t blocks = at::divup(pixels, kBlock);
  const L* source = labels.data_ptr<L>();
  std::vector<int64_t> histograms(batch * blocks * classes, 0);
  at::parallel_for(0, batch * blocks, 1, [&, pixels = pixels, classes = classes](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t first = task % blocks * kBlock, at = task / blocks * pixels + first;
      read_block(op, source + at, std::min(kBlock, pixels - first), classes, ignore_index, result.ids.data() + at,
                 histograms.data() + task * classes);
    }
  });
  for (int64_t task = 0; task < batch * blocks; ++task)
    for (int64_t label = 0; label < classes; ++label)
      result.histogram[task / blocks * classes + label] += histograms[task * classes + label];
}

}  // namespace

CompactLabels read_labels(const char* op, const Tensor& labels, int64_t classes, int64_t ignore_index) {
  constexpr int64_t most = std::numeric_limits<int16_t>::max();
  ADSAM_CHECK(classes <= most, c10::str(op, " probabilities"), c10::str(classes, " classes"), c10::str("at most ", most),
              "Split them over several calls.");
  const int64_t batch = labels.size(0), pixels = labels.size(1) * labels.size(2);
  CompactLabels result{batch, classes, pixels, std::vector<int16_t>(batch * pixels),
                       std::vector<int64_t>(batch * classes, 0)};
  const Tensor dense = labels.contiguous();
  if (labels.scalar_type() == at::kLong)
    read_all<int64_t>(op, dense, ignore_index, result);
  else
    read_all<uint8_t>(op, dense, ignore_index, result);
  return result;
}

void refuse_label(const char* op, int64_t label, int64_t classes, int64_t ignore_index) {
  ADSAM_CHECK(false, c10::str(op, " labels"), c10::str("label ", label),
              c10::str("class numbers from 0 to ", classes - 1, ", or ", ignore_index, " where ignored"),
              "Map the data set's ids to training ids first, or set ignoreIndex.");
}

}  // namespace adsam
