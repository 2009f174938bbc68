#include "lovasz/labels.h"
#include "lovasz/lovasz.h"
#include "lovasz/planes.h"

namespace adsam {

template <typename T>
std::vector<ClassPlane<T>> class_planes(const T* probabilities, T* slopes, const CompactLabels& labels, bool per_image,
                                        double weight) {
  const int64_t units = per_image ? labels.batch : 1, pictures = labels.batch / units;
  std::vector<ClassPlane<T>> planes;
  for (int64_t unit = 0; unit < units; ++unit) {
    const size_t first = planes.size();
    for (int64_t label = 0; label < labels.classes; ++label) {
      int64_t of_class = 0;
      for (int64_t b = unit * pictures; b < (unit + 1) * pictures; ++b) of_class += labels.count(b, label);
      if (of_class == 0) continue;
      const int64_t place = (unit * pictures * labels.classes + label) * labels.pixels;
      planes.push_back({probabilities + place, slopes ? slopes + place : nullptr, labels.classes * labels.pixels,
                        labels.ids.data() + unit * pictures * labels.pixels, pictures, labels.pixels,
                        static_cast<int16_t>(label), of_class, 0});
    }
    for (size_t i = first; i < planes.size(); ++i)
      planes[i].share = weight / static_cast<double>((planes.size() - first) * units);
  }
  return planes;
}

template std::vector<ClassPlane<float>> class_planes(const float*, float*, const CompactLabels&, bool, double);
template std::vector<ClassPlane<double>> class_planes(const double*, double*, const CompactLabels&, bool, double);

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
