#include "deform_conv/cuda.h"
#include "distance_transform/cuda.h"
#include "gpu/has_kernels.h"
#include "lovasz/cuda.h"
#include "ms_deform_attn/cuda.h"

/** What serves tensors on an NVIDIA GPU: the kernels where this build has them, else compositions of ATen's operators. */
namespace adsam {

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("_has_cuda_kernels() -> bool", [] { return kHasCudaKernels; });
}

#ifdef ADSAM_WITH_CUDA

TORCH_LIBRARY_IMPL(adsam, CUDA, m) {
  m.impl("deform_conv2d", TORCH_FN(deform_conv2d_cuda));
  m.impl("_deform_conv2d_backward", TORCH_FN(deform_conv2d_backward_cuda));
  m.impl("ms_deform_attn", TORCH_FN(ms_deform_attn_cuda));
  m.impl("_ms_deform_attn_backward", TORCH_FN(ms_deform_attn_backward_cuda));
  m.impl("lovasz_softmax", TORCH_FN(lovasz_softmax_cuda));
  m.impl("_lovasz_softmax_with_gradient", TORCH_FN(lovasz_softmax_with_gradient_cuda));
  m.impl("distance_transform", TORCH_FN(distance_transform_cuda));
}

#else

TORCH_LIBRARY_IMPL(adsam, CUDA, m) {
  m.impl("deform_conv2d", TORCH_FN(deform_conv2d_composite));
  m.impl("ms_deform_attn", TORCH_FN(ms_deform_attn_composite));
  m.impl("lovasz_softmax", TORCH_FN(lovasz_softmax_composite));
  m.impl("distance_transform", TORCH_FN(distance_transform_composite));
}

#endif

}  // namespace adsam
