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

  /** That of weight [O, C, 3, 3], which `storage` keeps alive: transposed unless its layout fits. */
  static WeightView forward(const Tensor& weight, Tensor& storage);

  /** Of the convolution that takes gradients of the output, O channels, to gradients of the input, C channels. */
  static WeightView backward(const Tensor& weight, Tensor& storage);
};

/** G g Gᵀ of every pair of channels, as 36 matrices [in, out filled up] packed for the product; made on all threads. */
template <typename T>
class TransformedWeights {
 public:
  TransformedWeights(const WeightView<T>& weight, InstructionSet set);

  Panels<T> plane(int64_t p) const {
    return {static_cast<const T*>(storage_.get()) + p * stride_, in_, columns_, set_};
  }

 private:
  InstructionSet set_;
  int64_t in_, columns_, stride_;
  c10::DataPtr storage_;
};

}  // namespace adsam::winograd
