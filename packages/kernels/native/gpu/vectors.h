#pragma once

#include "gpu/gpu.h"

/** Several neighbouring numbers of a row read and written at once: sixteen bytes, the widest access there is. */
namespace adsam {

/** The type sums are made in: float32 for float16 and bfloat16, else the type itself. */
template <typename T>
using Sum = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <typename T, int width>
struct alignas(sizeof(T) * width) Vector {
  T number[width];
};

/** Numbers of a vector access where rows allow it. */
template <typename T>
constexpr int kWide = 16 / sizeof(T);

/** Whether rows whose lengths all are multiples of `length` can be read kWide numbers at a time from `data`. */
template <typename T>
bool reads_wide(const void* data, int64_t length) {
  return length % kWide<T> == 0 && reinterpret_cast<uintptr_t>(data) % 16 == 0;
}

/** `width` numbers from `place`, as what sums are made of. */
template <int width, typename T>
__device__ __forceinline__ void load(const T* place, Sum<T> (&numbers)[width]) {
  const auto packed = *reinterpret_cast<const Vector<T, width>*>(place);
#pragma unroll
  for (int i = 0; i < width; ++i) numbers[i] = static_cast<Sum<T>>(packed.number[i]);
}

template <int width, typename T>
__device__ __forceinline__ void store(T* place, const Sum<T> (&numbers)[width]) {
  Vector<T, width> packed;
#pragma unroll
  for (int i = 0; i < width; ++i) packed.number[i] = static_cast<T>(numbers[i]);
  *reinterpret_cast<Vector<T, width>*>(place) = packed;
}

/** Adds `factor` times the numbers to `place` in global memory, where other threads add as well. */
template <int width>
__device__ __forceinline__ void add_shared(float* place, const float (&numbers)[width], float factor) {
  if constexpr (width % 4 == 0) {
#pragma unroll
    for (int i = 0; i < width; i += 4)
      atomic_add4(place + i, factor * numbers[i], factor * numbers[i + 1], factor * numbers[i + 2],
                  factor * numbers[i + 3]);
  } else {
#pragma unroll
    for (int i = 0; i < width; ++i) atomicAdd(place + i, factor * numbers[i]);
  }
}

template <int width>
__device__ __forceinline__ void add_shared(double* place, const double (&numbers)[width], double factor) {
#pragma unroll
  for (int i = 0; i < width; ++i) atomicAdd(place + i, factor * numbers[i]);
}

/** The least power of two from `count` on, at most a warp: so many lanes share a row of `count` vectors. */
inline unsigned lanes_for(int64_t count) {
  unsigned lanes = 1;
  while (lanes < kWarp && lanes < count) lanes *= 2;
  return lanes;
}

}  // namespace adsam
