#include "lovasz/cuda.h"

#include <ATen/Dispatch.h>

#include <algorithm>

#include "lovasz/kernels.cuh"

namespace adsam {
namespace {

// Pixels times classes of one sort: 24 bytes each. The paper's 19 classes of a picture of 1024 × 1024 fit at once.
constexpr int64_t kSortAtOnce = int64_t{1} << 25;

/** Classes sorted together. A float64 key fills its word: one class then. */
template <typename T>
int64_t classes_at_once(int64_t classes, int64_t places) {
  if (std::is_same_v<T, double>) return 1;
  constexpr int64_t kMost = 65535;  // that a grid's second dimension counts
  return std::min({classes, kMost, std::max<int64_t>(1, kSortAtOnce / places)});
}

int bits_for(int64_t values) {
  int bits = 0;
  while ((int64_t{1} << bits) < values) ++bits;
  return bits;
}

/** Buffers of one sort, used again for all. */
struct Workspace {
  Tensor keys, sorted_keys, places, sorted_places, flags;

  Workspace(int64_t count, const Tensor& like) {
    const auto make = [&](at::ScalarType type) { return at::empty({count}, like.options().dtype(type)); };
    keys = make(at::kLong), sorted_keys = make(at::kLong), places = make(at::kInt), sorted_places = make(at::kInt),
    flags = make(at::kByte);
  }
};

/** Counts of one unit, for all of its classes. */
struct Counts {
  Tensor of_class, before, share;

  template <typename T, typename L>
  Counts(const LovaszUnit<T, L>& unit, int64_t units, const Tensor& like)
      : of_class(at::zeros({unit.classes}, like.options().dtype(at::kInt))) {
    constexpr unsigned kMostBlocks = 1024;
    launch(count_labels<T, L>, std::min(blocks_for(unit.places), kMostBlocks), kBlock, unit,
           of_class.template data_ptr<int32_t>());
    before = at::cumsum(of_class, 0, at::kInt).sub_(of_class);
    share = (of_class > 0).sum().to(at::kDouble).mul_(static_cast<double>(units)).clamp_min_(1).reciprocal_();
  }

  LovaszCounts pointers() const {
    return {of_class.data_ptr<int32_t>(), before.data_ptr<int32_t>(), share.data_ptr<double>()};
  }
};

/** Loss of one unit, a float64 scalar on the device; writes its gradient unless that is null. */
template <typename T, typename L>
Tensor unit_loss(const LovaszUnit<T, L>& unit, int64_t units, Workspace& space, T* gradient) {
  const Counts counts(unit, units, space.keys);
  const int64_t at_once = classes_at_once<T>(unit.classes, unit.places);
  const unsigned blocks = blocks_for(unit.places);
  const Tensor losses = at::empty({unit.classes, blocks}, space.keys.options().dtype(at::kDouble));
  for (int64_t first = 0; first < unit.classes; first += at_once) {
    const int64_t classes = std::min(at_once, unit.classes - first), count = classes * unit.places;
    const dim3 grid(blocks, static_cast<unsigned>(classes));
    auto* keys = space.keys.data_ptr<int64_t>();
    auto* sorted = space.sorted_keys.data_ptr<int64_t>();
    auto* places = space.places.data_ptr<int32_t>();
    auto* ranked = space.sorted_places.data_ptr<int32_t>();
    launch(make_keys<T, L>, grid, kBlock, unit, static_cast<int32_t>(first), keys, places);
    sort_pairs(keys, sorted, places, ranked, count, ErrorKey<T>::kBits + bits_for(classes));
    launch(flag_class, blocks_for(count), kBlock, static_cast<const int32_t*>(ranked), count,
           space.flags.data_ptr<uint8_t>());
    const Tensor summed = at::cumsum(space.flags.narrow(0, 0, count), 0, at::kInt);
    launch(weigh_ranks<T, L>, grid, kBlock, unit, static_cast<int32_t>(first), static_cast<const int64_t*>(sorted),
           static_cast<const int32_t*>(ranked), static_cast<const int32_t*>(summed.data_ptr<int32_t>()),
           counts.pointers(), losses[first].template data_ptr<double>(), gradient);
  }
  return losses.sum();
}

template <typename T, typename L>
Tensor all_units(const Tensor& probabilities, const Tensor& labels, int64_t ignore_index, bool per_image,
                 const Tensor& gradient) {
  const int64_t batch = probabilities.size(0), classes = probabilities.size(1);
  const int64_t pixels = probabilities.size(2) * probabilities.size(3), pictures = per_image ? 1 : batch;
  const int64_t units = batch / pictures, places = pictures * pixels;
  Workspace space(classes_at_once<T>(classes, std::max<int64_t>(1, places)) * places, labels);
  Tensor sum = at::zeros({}, probabilities.options().dtype(at::kDouble));
  for (int64_t first = 0; first < batch && pixels > 0; first += pictures) {
    const int64_t start = first * classes * pixels;
    const LovaszUnit<T, L> unit{probabilities.data_ptr<T>() + start,
                                labels.data_ptr<L>() + first * pixels,
                                static_cast<int32_t>(classes),
                                static_cast<int32_t>(pixels),
                                places,
                                ignore_index};
    sum.add_(unit_loss(unit, units, space, gradient.defined() ? gradient.data_ptr<T>() + start : nullptr));
  }
  return sum.to(probabilities.scalar_type());
}

}  // namespace

std::tuple<Tensor, Tensor> lovasz_softmax_with_gradient_cuda(const Tensor& probabilities, const Tensor& labels,
                                                             int64_t ignore_index, bool per_image,
                                                             bool with_gradient) {
  check_lovasz(probabilities, labels);
  const OnDeviceOf device(probabilities);
  const Tensor in = dense(probabilities, lovasz_type(probabilities)), dense_labels = labels.contiguous();
  Tensor loss, gradient;
  if (with_gradient) gradient = at::zeros(in.sizes(), in.options());
  AT_DISPATCH_FLOATING_TYPES(in.scalar_type(), "lovasz_softmax_cuda", [&] {
    loss = labels.scalar_type() == at::kLong
               ? all_units<scalar_t, int64_t>(in, dense_labels, ignore_index, per_image, gradient)
               : all_units<scalar_t, uint8_t>(in, dense_labels, ignore_index, per_image, gradient);
  });
  return {loss, gradient};
}

Tensor lovasz_softmax_cuda(const Tensor& probabilities, const Tensor& labels, int64_t ignore_index, bool per_image) {
  return std::get<0>(lovasz_softmax_with_gradient_cuda(probabilities, labels, ignore_index, per_image, false));
}

}  // namespace adsam
