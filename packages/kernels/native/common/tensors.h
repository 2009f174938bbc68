#pragma once

#include <ATen/ATen.h>
#include <torch/library.h>

#include <array>
#include <string>
#include <utility>

namespace adsam {

using at::IntArrayRef;
using at::Tensor;

/** The optional type of operator arguments: c10's own in libtorch 1.13, std::optional later. */
template <class T>
using Optional = decltype(std::declval<const c10::IValue&>().template toOptional<T>());

inline Tensor value_or_undefined(const Optional<Tensor>& tensor) { return tensor.has_value() ? *tensor : Tensor(); }

/** Kernels compute in float32, or in float64 when they are given it; half and bfloat16 are storage only. */
inline at::ScalarType compute_type(const Tensor& tensor) {
  return tensor.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

/** `tensor`, dense and row-major, of type `type`; no copy where it is so already. */
inline Tensor dense(const Tensor& tensor, at::ScalarType type) { return tensor.to(type).contiguous(); }

}  // namespace adsam
