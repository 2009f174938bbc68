#pragma once

#include "ms_deform_attn/geometry.h"

namespace adsam {

/** Gradients in the order value, sampling locations, attention weights; those not wanted are undefined. */
using AttentionGradientTensors = std::tuple<Tensor, Tensor, Tensor>;

Tensor ms_deform_attn_cpu(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                          const Tensor& attention_weights);

AttentionGradientTensors ms_deform_attn_backward_cpu(const Tensor& gradient, const Tensor& value,
                                                     IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                                                     const Tensor& attention_weights, std::array<bool, 3> wanted);

/** The same in plain ATen operators, for any device, differentiable by itself; holds every sampled value at once. */
Tensor ms_deform_attn_composite(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                                const Tensor& attention_weights);

}  // namespace adsam
