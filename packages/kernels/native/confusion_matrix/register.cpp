#include "confusion_matrix/confusion_matrix.h"

namespace adsam {
namespace {

Tensor meta(const Tensor& prediction, const Tensor& label, int64_t classes, int64_t ignore_index) {
  check_confusion_matrix(prediction, label, classes, ignore_index);
  return at::empty({classes + 2, classes + 1}, label.options().dtype(at::kLong));
}

}  // namespace

// Counts are not differentiable: there is nothing to register with autograd.
TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("confusion_matrix(Tensor prediction, Tensor label, int classes, int ignore_index=255) -> Tensor");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def("_confusion_matrix_composite(Tensor prediction, Tensor label, int classes, int ignore_index=255) -> Tensor",
        TORCH_FN(confusion_matrix_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) { m.impl("confusion_matrix", TORCH_FN(confusion_matrix_cpu)); }
TORCH_LIBRARY_IMPL(adsam, CUDA, m) { m.impl("confusion_matrix", TORCH_FN(confusion_matrix_composite)); }
TORCH_LIBRARY_IMPL(adsam, Meta, m) { m.impl("confusion_matrix", TORCH_FN(meta)); }

}  // namespace adsam
