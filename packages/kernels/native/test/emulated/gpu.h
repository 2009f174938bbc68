#pragma once

/**
 * gpu/gpu.h for a machine without a GPU: the words of CUDA that the kernels use, on the CPU. A block's threads are
 * fibers that take turns, so shuffles and barriers mean what they mean on the device; blocks run one after another, so
 * races between them are not seen. Tensors are the CPU's. For tests: slow.
 */
#include <ATen/Context.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>
#include <type_traits>
#include <vector>

#include "common/tensors.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

namespace adsam {
namespace emulated {

struct Indices {
  dim3 thread, block, block_size, grid_size;
};
/** Of the fiber that runs. */
extern Indices indices;

/** Runs body once for each thread of the grid. @throws c10::Error where threads wait for each other for ever, or a
 * check on the device fails */
void run_grid(dim3 grid, unsigned block, const std::function<void()>& body);
void wait_for_block();
/** Gives every thread of the warp what the one `apart` lanes away (exclusive or) brings. */
uint64_t exchange(uint64_t bits, unsigned apart);
void fail(const char* what);

}  // namespace emulated

#define threadIdx (::adsam::emulated::indices.thread)
#define blockIdx (::adsam::emulated::indices.block)
#define blockDim (::adsam::emulated::indices.block_size)
#define gridDim (::adsam::emulated::indices.grid_size)
#define ADSAM_DEVICE_CHECK(condition) \
  if (!(condition)) ::adsam::emulated::fail(#condition)

using std::fabs;
using std::floor;
using std::max;
using std::min;

class OnDeviceOf {
 public:
  explicit OnDeviceOf(const Tensor&) {}
};

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, unsigned block, Arguments&&... arguments) {
  emulated::run_grid(grid, block, [&] { kernel(arguments...); });
}

inline void __syncthreads() { emulated::wait_for_block(); }

template <typename T>
T __shfl_xor_sync(unsigned, T value, unsigned apart) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = emulated::exchange(bits, apart);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <typename T>
T atomicAdd(T* place, T value) {
  const T before = *place;
  *place += value;
  return before;
}

inline void atomic_add4(float* place, float a, float b, float c, float d) {
  if (reinterpret_cast<uintptr_t>(place) % 16 != 0) emulated::fail("a four-number atomic off its boundary");
  place[0] += a, place[1] += b, place[2] += c, place[3] += d;
}

inline float __int_as_float(int bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline int __float_as_int(float value) {
  int bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline double __longlong_as_double(long long bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline long long __double_as_longlong(double value) {
  long long bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline void sort_pairs(const int64_t* keys, int64_t* sorted_keys, const int32_t* values, int32_t* sorted_values,
                       int64_t count, int bits) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  const int64_t mask = bits >= 63 ? INT64_MAX : (int64_t{1} << bits) - 1;
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return (keys[a] & mask) < (keys[b] & mask); });
  for (int64_t i = 0; i < count; ++i) sorted_keys[i] = keys[order[i]], sorted_values[i] = values[order[i]];
}

}  // namespace adsam
