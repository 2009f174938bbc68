#include "confusion_matrix/confusion_matrix.h"

namespace adsam {

Tensor confusion_matrix_composite(const Tensor& prediction, const Tensor& label, int64_t classes,
                                  int64_t ignore_index) {
  check_confusion_matrix(prediction, label, classes, ignore_index);
  const int64_t rows = classes + 2, columns = classes + 1;
  const Tensor guess = prediction.reshape({-1}).to(at::kLong), truth = label.reshape({-1}).to(at::kLong);
  const auto is_class = [classes](const Tensor& ids) { return ids.ge(0).logical_and(ids.lt(classes)); };
  const Tensor column = guess.masked_fill(is_class(guess).logical_not(), classes);
  const Tensor other = truth.eq(ignore_index).logical_not().to(at::kLong) + classes;
  const Tensor row = at::where(is_class(truth), truth, other);
  return (row * columns + column).bincount({}, rows * columns).view({rows, columns});
}

}  // namespace adsam
