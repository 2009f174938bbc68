#include "lovasz/labels.h"
#include "lovasz/lovasz.h"
#include "lovasz/planes.h"

namespace adsam {

std::tuple<Tensor, Tensor> lovasz_softmax_with_gradient_cpu(const Tensor& probabilities, const Tensor& labels,
                                                            int64_t ignore_index, bool per_image, bool with_gradient) {
  check_lovasz(probabilities, labels);
  const auto type = lovasz_type(probabilities);
  const CompactLabels read = read_labels("lovasz_softmax", labels, probabilities.size(1), ignore_index);
  const Tensor in = dense(probabilities, type);
  Tensor loss = at::empty({}, in.options()), gradient;
  if (with_gradient) gradient = at::zeros(in.sizes(), in.options());
  AT_DISPATCH_FLOATING_TYPES(type, "lovasz_softmax", [&] {
    scalar_t* slopes = with_gradient ? gradient.data_ptr<scalar_t>() : nullptr;
    loss.fill_(lovasz_of_planes(class_planes(in.data_ptr<scalar_t>(), slopes, read, per_image, 1.0)));
  });
  return {loss, gradient};
}

}  // namespace adsam
