#include <limits>

#include "distance_transform/distance_transform.h"

namespace adsam {

Tensor distance_transform_composite(const Tensor& mask) {
  check_distance_mask(mask);
  const int64_t height = mask.dim() < 2 ? 0 : mask.size(-2), width = mask.size(-1);
  const auto options = mask.options().dtype(at::kFloat);
  if (mask.numel() == 0) return at::empty(mask.sizes(), options);
  constexpr double infinity = std::numeric_limits<double>::infinity();

  // Distance to the nearest zero of the same column: y minus the row of the last zero above, or of the first below
  // minus y.
  const Tensor pictures = mask.reshape({-1, height, width});
  const Tensor y = at::arange(height, options).view({1, height, 1}).expand_as(pictures);
  const Tensor zero = pictures == 0;
  const Tensor above = std::get<0>(at::where(zero, y, at::full({}, -infinity, options)).cummax(1));
  const Tensor below = std::get<0>(at::where(zero, y, at::full({}, infinity, options)).flip(1).cummin(1)).flip(1);
  const Tensor squared = at::minimum(y - above, below - y).square();

  // d²(y, x) = min over columns u of column²(y, u) + (x - u)²
  const Tensor x = at::arange(width, options);
  Tensor nearest = at::full_like(squared, infinity);
  for (int64_t u = 0; u < width; ++u) nearest = at::minimum(nearest, squared.narrow(2, u, 1) + (x - u).square());
  return nearest.sqrt().reshape(mask.sizes());
}

}  // namespace adsam
