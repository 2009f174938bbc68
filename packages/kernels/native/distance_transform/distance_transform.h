#pragma once

#include "common/tensors.h"

namespace adsam {

/** Checks the mask of adsam::distance_transform: bool or uint8, at least two dimensions. */
void check_distance_mask(const Tensor& mask);

Tensor distance_transform_cpu(const Tensor& mask);

/** The same in plain ATen operators, for any device: O(H·W·W) work in W passes over the pictures, O(H·W) memory. */
Tensor distance_transform_composite(const Tensor& mask);

/** Checks the labels of adsam::boundary_squares: [B, H, W], uint8 or int64, less than 2^15 pixels high and wide. */
void check_boundary_labels(const Tensor& labels);

/** [B, H, W] int32: squared distance in pixels to the nearest pixel that has another label above, below, left or right;
 * 0 everywhere in a picture of one label. */
Tensor boundary_squares_cpu(const Tensor& labels);

}  // namespace adsam
