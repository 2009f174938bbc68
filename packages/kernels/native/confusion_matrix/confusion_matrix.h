#pragma once

#include "common/tensors.h"

namespace adsam {

/** Checks the arguments of adsam::confusion_matrix: whole numbers, as many of one as of the other, 1 to 254 classes. */
void check_confusion_matrix(const Tensor& prediction, const Tensor& label, int64_t classes, int64_t ignore_index);

/**
 * How often each label meets each prediction, int64 [classes + 2, classes + 1]: rows are the label's class, then the
 * ignored label, then labels that are neither; columns the predicted class, then predictions that are none.
 */
Tensor confusion_matrix_cpu(const Tensor& prediction, const Tensor& label, int64_t classes, int64_t ignore_index);

/** The same in plain ATen operators, for any device. */
Tensor confusion_matrix_composite(const Tensor& prediction, const Tensor& label, int64_t classes,
                                  int64_t ignore_index);

}  // namespace adsam
