#pragma once

#include "lovasz/lovasz.h"

namespace adsam {

/**
 * The loss and its gradient on an NVIDIA GPU, of float32 or float64 probabilities in [0, 1] (a softmax's). Nothing waits
 * for the device: a label that is neither a class nor ignored stops the process there, as it does in ATen's losses.
 */
std::tuple<Tensor, Tensor> lovasz_softmax_with_gradient_cuda(const Tensor& probabilities, const Tensor& labels,
                                                             int64_t ignore_index, bool per_image, bool with_gradient);

/** The loss alone. */
Tensor lovasz_softmax_cuda(const Tensor& probabilities, const Tensor& labels, int64_t ignore_index, bool per_image);

}  // namespace adsam
