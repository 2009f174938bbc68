#include "dense_crf/dense_crf.h"

namespace adsam {
namespace {

Tensor call(const Tensor& probabilities, const Tensor& picture, double gaussian_sigma, double gaussian_weight,
            double bilateral_sigma, double bilateral_colour, double bilateral_weight, int64_t iterations) {
  return dense_crf_cpu(probabilities, picture,
                       {gaussian_sigma, gaussian_weight, bilateral_sigma, bilateral_colour, bilateral_weight},
                       iterations);
}

}  // namespace

// Post-processing: not differentiable, and on the CPU only.
TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def(
      "dense_crf(Tensor probabilities, Tensor picture, float gaussian_sigma, float gaussian_weight, float "
      "bilateral_sigma, "
      "float bilateral_colour, float bilateral_weight, int iterations) -> Tensor");
  m.def("permutohedral_filter(Tensor values, Tensor features) -> Tensor");
}

TORCH_LIBRARY_IMPL(adsam, CPU, m) {
  m.impl("dense_crf", TORCH_FN(call));
  m.impl("permutohedral_filter", TORCH_FN(permutohedral_filter_cpu));
}

}  // namespace adsam
