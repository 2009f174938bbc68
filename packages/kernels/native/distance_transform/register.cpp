#include "distance_transform/distance_transform.h"

namespace adsam {
namespace {

Tensor meta(const Tensor& mask) {
  check_distance_mask(mask);
  return at::empty(mask.sizes(), mask.options().dtype(at::kFloat));
}

}  // namespace

// Masks are not differentiable: there is nothing to register with autograd.
TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("distance_transform(Tensor mask) -> Tensor");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def("_distance_transform_composite(Tensor mask) -> Tensor", TORCH_FN(distance_transform_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) { m.impl("distance_transform", TORCH_FN(distance_transform_cpu)); }
TORCH_LIBRARY_IMPL(adsam, Meta, m) { m.impl("distance_transform", TORCH_FN(meta)); }

}  // namespace adsam
