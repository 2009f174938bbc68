#pragma once

#include "common/gemm.h"
#include "common/tensors.h"
#include "conv3x3/transforms.h"

namespace adsam::winograd {

/** Weights of a 3 × 3 convolution from `in` to `out` channels in memory, the outgoing channels next to each other. */
template <typename T>
struct WeightView {
  const T* data;
  int64_t in, out;
  int64_t in_stride;
  int64_t tap_row, tap_column;  // negative where the kernel is read backwards

  /** Outgoing channels [first, first + count) of it. */
  WeightView columns(int64_t first, int64_t count) const {
    return {data + first, in, count, in_stride, tap_row, tap_column};
  }

  /** That of weight [O, C, 3, 3], which `storage` keeps alive: transposed unless its layout fits. */
  static WeightView forward(const Tensor& weight, Tensor& storage);

  /** Of the convolution that takes gradients of the output, O channels, to gradients of the input, C channels. */
  static WeightView backward(const Tensor& weight, Tensor& storage);
};

/** G g Gᵀ of every pair of channels, as 36 matrices [in, out filled up] packed for the product. */
template <typename T>
class TransformedWeights {
 public:
  /** Room for weights from `in` to at most `most_out` channels. */
  TransformedWeights(int64_t in, int64_t most_out, InstructionSet set);

  /** Transforms these, on all threads unless called by one of many. */
  void set(const WeightView<T>& weight);

  Panels<T> plane(int64_t p) const { return {data() + p * stride_, in_, columns_, set_}; }

 private:
  T* data() const { return static_cast<T*>(storage_.get()); }

  InstructionSet set_;
  int64_t in_, columns_, stride_;
  c10::DataPtr storage_;
};

}  // namespace adsam::winograd
