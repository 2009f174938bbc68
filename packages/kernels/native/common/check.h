#pragma once

#include "common/tensors.h"

/** Fails in the project's one shape of error: what, found, expected, what to do. Only the first two may not be empty.
 */
#define ADSAM_CHECK(condition, what, found, expected, todo) \
  TORCH_CHECK(condition, what, ": found ", found, ", expected ", expected, ". ", todo)

namespace adsam {

inline void check_rank(const char* op, const char* name, const char* axes, const Tensor& tensor, int64_t rank) {
  ADSAM_CHECK(tensor.dim() == rank, c10::str(op, " ", name), c10::str("shape ", tensor.sizes()), axes,
              "Give it one dimension for each axis named.");
}

inline void check_shape(const char* op, const char* name, const char* axes, const Tensor& tensor, IntArrayRef expected,
                        const char* todo) {
  ADSAM_CHECK(tensor.sizes() == expected, c10::str(op, " ", name), c10::str("shape ", tensor.sizes()),
              c10::str(expected, " ", axes), todo);
}

inline void check_floating(const char* op, const char* name, const Tensor& tensor) {
  ADSAM_CHECK(tensor.is_floating_point(), c10::str(op, " ", name), c10::str("dtype ", tensor.scalar_type()),
              "float32, float64, float16 or bfloat16", "Convert it with to(dtype).");
}

inline void check_same_device(const char* op, const char* name, const Tensor& tensor, const char* other_name,
                              const Tensor& other) {
  ADSAM_CHECK(tensor.device() == other.device(), c10::str(op, " ", name), c10::str("device ", tensor.device()),
              c10::str(other.device(), ", where ", other_name, " is"), "Move both to one device.");
}

inline void check_same_dtype(const char* op, const char* name, const Tensor& tensor, const char* other_name,
                             const Tensor& other) {
  ADSAM_CHECK(tensor.scalar_type() == other.scalar_type(), c10::str(op, " ", name),
              c10::str("dtype ", tensor.scalar_type()), c10::str(other.scalar_type(), ", the dtype of ", other_name),
              "Convert one of them, or run under autocast.");
}

}  // namespace adsam
