#include "lovasz/labels.h"
#include "lovasz/lovasz.h"

namespace adsam {
namespace {

/** One unit in plain operators: probabilities [C, P] and labels [P] of its valid pixels. */
Tensor lovasz_softmax_flat(const Tensor& probabilities, const Tensor& labels) {
  Tensor sum = probabilities.sum() * 0;  // no valid pixel: 0, with zero gradient
  int64_t present = 0;
  for (int64_t label = 0; label < probabilities.size(0); ++label) {
    const Tensor of_class = labels == label;
    if (!of_class.any().item<bool>()) continue;
    const Tensor truth = of_class.to(probabilities.scalar_type());
    const auto [errors, order] = (truth - probabilities[label]).abs().sort(0, /*descending*/ true);
    const Tensor ranked = truth.index_select(0, order);
    const Tensor intersection = ranked.sum() - ranked.cumsum(0), reunion = ranked.sum() + (1 - ranked).cumsum(0);
    const Tensor jaccard = 1 - intersection / reunion;
    sum = sum + at::dot(errors, jaccard - at::constant_pad_nd(jaccard.narrow(0, 0, jaccard.size(0) - 1), {1, 0}));
    ++present;
  }
  return present == 0 ? sum : sum / present;
}

}  // namespace

Tensor lovasz_softmax_composite(const Tensor& probabilities, const Tensor& labels, int64_t ignore_index,
                                bool per_image) {
  check_lovasz(probabilities, labels);
  const int64_t batch = probabilities.size(0), classes = probabilities.size(1);
  const Tensor valid = labels != ignore_index;
  const Tensor wrong = labels.masked_select(valid.logical_and((labels < 0).logical_or(labels >= classes)));
  if (wrong.numel() > 0) refuse_label("lovasz_softmax", wrong[0].item<int64_t>(), classes, ignore_index);

  const int64_t units = per_image ? batch : 1;
  // [B, C, H, W] → units × [C, pixels of the unit]
  const Tensor flat = probabilities.to(lovasz_type(probabilities))
                          .reshape({units, batch / units, classes, -1})
                          .transpose(1, 2)
                          .reshape({units, classes, -1});
  const Tensor flat_labels = labels.reshape({units, -1}), flat_valid = valid.reshape({units, -1});
  Tensor sum;
  for (int64_t unit = 0; unit < units; ++unit) {
    const Tensor places = flat_valid[unit].nonzero().squeeze(1);
    const Tensor loss =
        lovasz_softmax_flat(flat[unit].index_select(1, places), flat_labels[unit].index_select(0, places));
    sum = sum.defined() ? sum + loss : loss;
  }
  return sum / units;
}

}  // namespace adsam
