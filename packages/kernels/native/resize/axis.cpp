#include "resize/axis.h"

#include <algorithm>

namespace adsam {

template <typename T>
AxisTaps<T>::AxisTaps(int64_t in, int64_t out) : lower(out), upper(out), share(out) {
  const T scale = static_cast<T>(in) / static_cast<T>(out);  // in T and in this order: PyTorch's numbers
  for (int64_t i = 0; i < out; ++i) {
    const T place = std::max(scale * (static_cast<T>(i) + T(0.5)) - T(0.5), T(0));
    lower[i] = static_cast<int32_t>(std::min(static_cast<int64_t>(place), in - 1));
    upper[i] = static_cast<int32_t>(std::min<int64_t>(lower[i] + 1, in - 1));
    share[i] = upper[i] == lower[i] ? T(0) : place - static_cast<T>(lower[i]);
  }
}

template <typename T>
AxisReaders<T>::AxisReaders(int64_t in, int64_t out) : first_(in), begin_(in + 1) {
  const AxisTaps<T> taps(in, out);
  for (int64_t i = 0, next = 0; i < in; ++i) {
    // Places are in order: first those that have i above them, then those that have it below, and none between.
    while (next < out && taps.upper[next] < i) ++next;
    first_[i] = next;
    for (int64_t k = next; k < out && taps.lower[k] <= i; ++k)
      weights_.push_back(taps.lower[k] == i ? 1 - taps.share[k] : taps.share[k]);
    begin_[i + 1] = static_cast<int64_t>(weights_.size());
  }
}

template struct AxisTaps<float>;
template struct AxisTaps<double>;
template class AxisReaders<float>;
template class AxisReaders<double>;

}  // namespace adsam
