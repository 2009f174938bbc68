#pragma once

#include "common/tensors.h"

namespace adsam {

/** Deviations in pixels and in 8-bit colour steps, and how much an unlike neighbour costs. */
struct DenseCrfTerms {
  double gaussian_sigma, gaussian_weight, bilateral_sigma, bilateral_colour, bilateral_weight;
};

/**
 * Mean-field marginals of a fully connected conditional random field with Potts costs (Krähenbühl & Koltun 2011):
 * probabilities [C, H, W], floating, and picture [H, W, 3], uint8, → float32 [C, H, W].
 */
Tensor dense_crf_cpu(const Tensor& probabilities, const Tensor& picture, const DenseCrfTerms& terms,
                     int64_t iterations);

/** values [N, C], features [N, d] divided by their deviations → float32 [N, C]: Σ_j exp(−|f_i − f_j|²/2) v_j,
 * approximately. */
Tensor permutohedral_filter_cpu(const Tensor& values, const Tensor& features);

}  // namespace adsam
