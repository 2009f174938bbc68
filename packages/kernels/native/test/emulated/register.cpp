// The CUDA kernels as operators on CPU tensors, under adsam_emulated::, for the tests to hold against the CPU's own.
#include "deform_conv/cuda.h"
#include "distance_transform/cuda.h"
#include "lovasz/cuda.h"
#include "ms_deform_attn/cuda.h"

namespace adsam {

TORCH_LIBRARY(adsam_emulated, m) {
  m.def("deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor? mask, Tensor? bias, int[2] stride, "
        "int[2] padding, int[2] dilation, int groups, int offset_groups) -> Tensor",
        TORCH_FN(deform_conv2d_cuda));
  m.def("_deform_conv2d_backward(Tensor grad, Tensor input, Tensor weight, Tensor offset, Tensor? mask, int[2] stride, "
        "int[2] padding, int[2] dilation, int groups, int offset_groups, bool[5] wanted) "
        "-> (Tensor, Tensor, Tensor, Tensor, Tensor)",
        TORCH_FN(deform_conv2d_backward_cuda));
  m.def("ms_deform_attn(Tensor value, int[] spatial_shapes, Tensor sampling_locations, Tensor attention_weights) -> "
        "Tensor",
        TORCH_FN(ms_deform_attn_cuda));
  m.def("_ms_deform_attn_backward(Tensor grad, Tensor value, int[] spatial_shapes, Tensor sampling_locations, Tensor "
        "attention_weights, bool[3] wanted) -> (Tensor, Tensor, Tensor)",
        TORCH_FN(ms_deform_attn_backward_cuda));
  m.def("_lovasz_softmax_with_gradient(Tensor probabilities, Tensor labels, int ignore_index, bool per_image, bool "
        "with_gradient) -> (Tensor, Tensor)",
        TORCH_FN(lovasz_softmax_with_gradient_cuda));
  m.def("distance_transform(Tensor mask) -> Tensor", TORCH_FN(distance_transform_cuda));
}

}  // namespace adsam
