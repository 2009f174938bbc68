#pragma once

#include "common/tensors.h"

/**
 * AD-SAM's hybrid loss in one operator: w_f Focal + w_d Dice + w_l Lovász-softmax + w_s Surface + w_c cross-entropy, all
 * from one softmax. Their definitions stand with the separate losses in packages/adsam/src/losses, which this equals.
 */
namespace adsam {

enum HybridTerm { kFocal, kDice, kLovasz, kSurface, kCrossEntropy, kHybridTerms };

struct HybridSettings {
  std::array<double, kHybridTerms> weights;  // a term of weight 0 is not computed
  std::vector<double> class_weights;         // of focal and cross-entropy, one a class; empty where all are 1
  double focal_alpha, focal_gamma, dice_smooth;
  int64_t ignore_index;
};

/**
 * Checks shapes and dtypes; throws an error that names the wrong argument.
 * @param distances [B, H, W] float32, wanted where the surface term has a weight
 */
void check_hybrid(const Tensor& logits, const Tensor& labels, const Tensor& distances, const HybridSettings& settings);

/**
 * The weighted sum [], its terms [kHybridTerms] before their weights (0 where not computed) and the sum's gradient with
 * respect to the logits, undefined unless asked for. All of compute_type(logits); the gradient is laid out as the
 * logits are.
 */
std::tuple<Tensor, Tensor, Tensor> hybrid_loss_with_gradient_cpu(const Tensor& logits, const Tensor& labels,
                                                                 const Tensor& distances,
                                                                 const HybridSettings& settings, bool with_gradient);

}  // namespace adsam
