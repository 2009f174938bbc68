#include <ATen/Parallel.h>

#include <array>
#include <mutex>
#include <vector>

#include "common/check.h"
#include "confusion_matrix/confusion_matrix.h"
#include "confusion_matrix/count.h"

namespace adsam {

void check_confusion_matrix(const Tensor& prediction, const Tensor& label, int64_t classes, int64_t ignore_index) {
  const auto check_whole = [](const char* name, const Tensor& tensor) {
    ADSAM_CHECK(at::isIntegralType(tensor.scalar_type(), false), c10::str("confusion_matrix ", name),
                c10::str("dtype ", tensor.scalar_type()), "uint8, int8, int16, int32 or int64",
                "Give it train ids, such as argmax makes of logits.");
  };
  check_whole("prediction", prediction);
  check_whole("label", label);
  check_same_device("confusion_matrix", "label", label, "prediction", prediction);
  ADSAM_CHECK(prediction.numel() == label.numel(), "confusion_matrix prediction",
              c10::str("shape ", prediction.sizes()), c10::str(label.numel(), " elements, one a label"),
              "Enlarge the logits to the label's size before their argmax.");
  ADSAM_CHECK(classes >= 1 && classes <= 254, "confusion_matrix classes", classes, "1 to 254",
              "Ids are bytes, of which one is ignored and one is unknown.");
  ADSAM_CHECK(ignore_index < 0 || ignore_index >= classes, "confusion_matrix ignore_index", ignore_index,
              c10::str("a number outside 0 to ", classes - 1), "What is ignored cannot be a class.");
}

Tensor confusion_matrix_cpu(const Tensor& prediction, const Tensor& label, int64_t classes, int64_t ignore_index) {
  check_confusion_matrix(prediction, label, classes, ignore_index);
  const int64_t rows = classes + 2, columns = classes + 1, cells = rows * columns;

  // Bytes are counted as they lie. Wider numbers are made bytes a block at a time: a class is itself, the ignored label
  // the number of classes, and what is neither, one more or, of predictions, the same.
  const bool bytes = prediction.scalar_type() == at::kByte && label.scalar_type() == at::kByte;
  const auto type = bytes ? at::kByte : at::kLong;
  const Tensor guesses = dense(prediction, type), truths = dense(label, type);
  std::array<uint32_t, 256> row_of, column_of;
  for (int64_t value = 0; value < 256; ++value) {
    const int64_t other = bytes ? (value == ignore_index ? classes : classes + 1) : std::min(value, classes + 1);
    row_of[value] = static_cast<uint32_t>((value < classes ? value : other) * columns);
    column_of[value] = static_cast<uint32_t>(std::min(value, classes));
  }

  Tensor result = at::zeros({rows, columns}, label.options().dtype(at::kLong));
  int64_t* total = result.data_ptr<int64_t>();
  std::mutex one_at_a_time;
  const int64_t tables = classes <= 64 ? 4 : 1;  // in the first cache, or at least the second
  constexpr int64_t kGrain = 1 << 17, kBlock = 1 << 12;
  at::parallel_for(0, label.numel(), kGrain, [&](int64_t begin, int64_t end) {
    std::vector<uint32_t> counts(tables * cells);
    const auto count = [&](const uint8_t* guess, const uint8_t* truth, int64_t size) {
      count_pairs(guess, truth, size, row_of.data(), column_of.data(), tables, cells, counts.data());
    };
    const auto add_up = [&] {
      const std::lock_guard<std::mutex> lock(one_at_a_time);
      for (int64_t i = 0; i < tables * cells; ++i) total[i % cells] += counts[i];
      std::fill(counts.begin(), counts.end(), 0);
    };
    for (int64_t first = begin; first < end; first += kMostPairs) {  // more would not fit into 32 bits
      const int64_t last = std::min(first + kMostPairs, end);
      if (bytes) {
        count(guesses.data_ptr<uint8_t>() + first, truths.data_ptr<uint8_t>() + first, last - first);
      } else {
        std::vector<uint8_t> guess(kBlock), truth(kBlock);
        for (int64_t at = first; at < last; at += kBlock) {
          const int64_t size = std::min(kBlock, last - at);
          encode_ids(guesses.data_ptr<int64_t>() + at, size, classes, -1, classes, classes, guess.data());
          encode_ids(truths.data_ptr<int64_t>() + at, size, classes, ignore_index, classes, classes + 1, truth.data());
          count(guess.data(), truth.data(), size);
        }
      }
      add_up();
    }
  });
  return result;
}

}  // namespace adsam
