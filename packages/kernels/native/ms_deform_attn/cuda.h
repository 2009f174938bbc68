#pragma once

#include "ms_deform_attn/ms_deform_attn.h"

namespace adsam {

/** adsam::ms_deform_attn on an NVIDIA GPU: values as they are, places, weights and sums in float32 (float64 in float64). */
Tensor ms_deform_attn_cuda(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                           const Tensor& attention_weights);

/** The gradient of the value is added up in no fixed order: its last bits differ from run to run. */
AttentionGradientTensors ms_deform_attn_backward_cuda(const Tensor& gradient, const Tensor& value,
                                                      IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                                                      const Tensor& attention_weights, std::array<bool, 3> wanted);

}  // namespace adsam
