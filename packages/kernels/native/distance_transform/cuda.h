#pragma once

#include "distance_transform/distance_transform.h"

namespace adsam {

/** adsam::distance_transform on an NVIDIA GPU; the same numbers as on the CPU, to the bit. */
Tensor distance_transform_cuda(const Tensor& mask);

}  // namespace adsam
