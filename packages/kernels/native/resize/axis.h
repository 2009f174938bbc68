#pragma once

#include <cstdint>
#include <vector>

namespace adsam {

/**
 * Where the output places of an axis read, resized from `in` to `out` places with middles of pixels matched: between
 * two neighbours. Arrays, one number for each output place, so that a loop over places becomes vector code.
 */
template <typename T>
struct AxisTaps {
  std::vector<int32_t> lower, upper;
  std::vector<T> share;  // of `upper`, [0, 1); `lower` has the rest

  AxisTaps(int64_t in, int64_t out);
};

/** The same read backwards: the output places that read input place i are one run, `first(i)` and the next `count(i)`.
 */
template <typename T>
class AxisReaders {
 public:
  AxisReaders(int64_t in, int64_t out);

  int64_t first(int64_t place) const { return first_[place]; }
  int64_t count(int64_t place) const { return begin_[place + 1] - begin_[place]; }
  /** With what weight each of them reads. */
  const T* weights(int64_t place) const { return weights_.data() + begin_[place]; }

 private:
  std::vector<int64_t> first_, begin_;
  std::vector<T> weights_;
};

}  // namespace adsam
