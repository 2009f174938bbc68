#pragma once

#include "common/tensors.h"

namespace adsam {

/** Checks the mask of adsam::distance_transform: bool or uint8, at least two dimensions. */
void check_distance_mask(const Tensor& mask);

Tensor distance_transform_cpu(const Tensor& mask);

/** The same in plain ATen operators, for any device: O(H·W·W) work in W passes over the pictures, O(H·W) memory. */
Tensor distance_transform_composite(const Tensor& mask);

}  // namespace adsam
