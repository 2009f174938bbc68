#pragma once

#include "common/tensors.h"

namespace adsam {

/** Checks shapes and dtypes of a batch of class maps [B, C, H, W], called `name`, beside its labels [B, H, W]. */
void check_labelled(const char* op, const char* name, const Tensor& maps, const Tensor& labels);

/** Checks shapes and dtypes of adsam::lovasz_softmax; throws an error that names the wrong argument. */
void check_lovasz(const Tensor& probabilities, const Tensor& labels);

/** The loss is float32 also for half and bfloat16 probabilities: a mean over pixels has more digits than they hold. */
inline at::ScalarType lovasz_type(const Tensor& probabilities) { return compute_type(probabilities); }

/**
 * The loss (a scalar) and its gradient with respect to the probabilities [B, C, H, W], both of lovasz_type. One sort
 * serves both, so the gradient is made on the way; it is undefined where `with_gradient` is false.
 */
std::tuple<Tensor, Tensor> lovasz_softmax_with_gradient_cpu(const Tensor& probabilities, const Tensor& labels,
                                                            int64_t ignore_index, bool per_image, bool with_gradient);

/** The loss alone in plain ATen operators, for any device, differentiable by itself. */
Tensor lovasz_softmax_composite(const Tensor& probabilities, const Tensor& labels, int64_t ignore_index,
                                bool per_image);

}  // namespace adsam
