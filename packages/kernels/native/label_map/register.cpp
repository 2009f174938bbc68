#include "label_map/label_map.h"

namespace adsam {
namespace {

Tensor meta(const Tensor& logits, int64_t height, int64_t width) {
  check_label_map(logits, height, width);
  return at::empty({logits.size(0), height, width}, logits.options().dtype(at::kByte));
}

}  // namespace

// Ids are not differentiable: there is nothing to register with autograd.
TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("label_map(Tensor logits, int height, int width) -> Tensor");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def("_label_map_composite(Tensor logits, int height, int width) -> Tensor", TORCH_FN(label_map_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) { m.impl("label_map", TORCH_FN(label_map_cpu)); }
TORCH_LIBRARY_IMPL(adsam, CUDA, m) { m.impl("label_map", TORCH_FN(label_map_composite)); }
TORCH_LIBRARY_IMPL(adsam, Meta, m) { m.impl("label_map", TORCH_FN(meta)); }

}  // namespace adsam
