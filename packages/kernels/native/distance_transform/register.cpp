#include "distance_transform/distance_transform.h"

namespace adsam {
namespace {

Tensor meta(const Tensor& mask) {
  check_distance_mask(mask);
  return at::empty(mask.sizes(), mask.options().dtype(at::kFloat));
}

Tensor meta_squares(const Tensor& labels) {
  check_boundary_labels(labels);
  return at::empty(labels.sizes(), labels.options().dtype(at::kInt));
}

}  // namespace

// Masks are not differentiable: there is nothing to register with autograd.
TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("distance_transform(Tensor mask) -> Tensor");
  m.def("boundary_squares(Tensor labels) -> Tensor");
  // What serves other devices, callable on any: tests hold the fast kernels against it.
  m.def("_distance_transform_composite(Tensor mask) -> Tensor", TORCH_FN(distance_transform_composite));
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("distance_transform", TORCH_FN(distance_transform_cpu));
  m.impl("boundary_squares", TORCH_FN(boundary_squares_cpu));
}

TORCH_LIBRARY_IMPL(adsam, Meta, m) {
  m.impl("distance_transform", TORCH_FN(meta));
  m.impl("boundary_squares", TORCH_FN(meta_squares));
}

}  // namespace adsam
