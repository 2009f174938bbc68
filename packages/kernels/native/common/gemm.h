#pragma once

#include <c10/core/Allocator.h>

#include <cstdint>

#include "common/instruction_set.h"

/**
 * A single-threaded matrix product in float32 or float64, to be called by every thread of an at::parallel_for on its own
 * part: C = or += A · B, with what follows the product (bias, ReLU, anything else) done while C is still in the cache.
 * Sums run over k in one order that depends on the shape alone, so a row of C does not change with the rows beside it.
 * Nothing outside the matrices is read or written.
 */
namespace adsam {

/** A [m, k]: rows `stride` numbers apart; or, transposed, stored as [k, m] with steps of k `stride` apart. */
template <typename T>
struct LeftMatrix {
  const T* data;
  int64_t stride;
  bool transposed = false;
};

/** What becomes of a finished sum: plus bias, then ReLU (NaN stays NaN), then the hook. */
template <typename T>
struct Epilogue {
  /** Called with a stored run of one row, C[i, j … j + count). */
  using Hook = void (*)(void* context, T* run, int64_t i, int64_t j, int64_t count);

  const T* bias = nullptr;  // [n]
  bool relu = false;
  Hook hook = nullptr;
  void* context = nullptr;
};

/**
 * B [k, n] laid out for the product, by somebody else's memory: panels of up to four vectors' width, k rows each, the
 * last vector filled up with zeros. Cheap to copy.
 */
template <typename T>
struct Panels {
  const T* data;
  int64_t k, n;
  InstructionSet set;

  /** Numbers of type T that a packed [k, n] takes. */
  static int64_t size(int64_t k, int64_t n, InstructionSet set = set_in_use());

  /** Packs B, rows `stride` apart, or given transposed as [n, k], into `storage`, which has room for `size` numbers. */
  static Panels pack(T* storage, const T* b, int64_t k, int64_t n, int64_t stride, bool transposed = false,
                     InstructionSet set = set_in_use());
};

/** The same in memory of its own: weights, packed once before the threads start. */
template <typename T>
class PackedMatrix {
 public:
  PackedMatrix(const T* b, int64_t k, int64_t n, int64_t stride, bool transposed = false,
               InstructionSet set = set_in_use())
      : storage_(c10::GetAllocator(c10::DeviceType::CPU)->allocate(Panels<T>::size(k, n, set) * sizeof(T))),
        panels_(Panels<T>::pack(static_cast<T*>(storage_.get()), b, k, n, stride, transposed, set)) {}

  operator Panels<T>() const { return panels_; }

 private:
  c10::DataPtr storage_;
  Panels<T> panels_;
};

/** C [m, n], rows `c_stride` apart, = or (`accumulate`) += A · B. */
template <typename T>
void multiply(int64_t m, const LeftMatrix<T>& a, const Panels<T>& b, T* c, int64_t c_stride, bool accumulate = false,
              const Epilogue<T>& epilogue = {});

/** The same with B [k, n] as it lies, rows `b_stride` apart: for a product too small to repay packing. */
template <typename T>
void multiply(int64_t m, int64_t n, int64_t k, const LeftMatrix<T>& a, const T* b, int64_t b_stride, T* c,
              int64_t c_stride, bool accumulate = false, const Epilogue<T>& epilogue = {},
              InstructionSet set = set_in_use());

}  // namespace adsam
