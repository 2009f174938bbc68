#pragma once

/**
 * What a kernel for NVIDIA GPUs is written with. nvcc makes CUDA of it; a C++ compiler given ADSAM_EMULATE_CUDA makes
 * the very same kernels and launches run on the CPU, thread by thread (test/emulated): every index, every shuffle and
 * every sum is seen by the tests, GPU or not. So a kernel takes what it needs from here and from gpu/ alone.
 */
#ifdef ADSAM_EMULATE_CUDA
#include "test/emulated/gpu.h"
#else

#include <ATen/Context.h>
#include <ATen/cuda/cub.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/macros/Macros.h>

#include "common/tensors.h"

namespace adsam {

/** Makes the device of a tensor the current one while alive. */
class OnDeviceOf {
 public:
  explicit OnDeviceOf(const Tensor& tensor) : guard_(tensor.device()) {}

 private:
  c10::cuda::CUDAGuard guard_;
};

/** Starts a kernel on the current stream; a grid of no blocks is no launch. Nothing waits for it. */
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, unsigned block, Arguments&&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  kernel<<<grid, block, 0, c10::cuda::getCurrentCUDAStream()>>>(std::forward<Arguments>(arguments)...);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

/** Stable sort of pairs by bits [0, bits) of the keys, which are not negative, least first. */
inline void sort_pairs(const int64_t* keys, int64_t* sorted_keys, const int32_t* values, int32_t* sorted_values,
                       int64_t count, int bits) {
  at::cuda::cub::radix_sort_pairs(keys, sorted_keys, values, sorted_values, count, /*descending*/ false, 0, bits);
}

#define ADSAM_DEVICE_CHECK(condition) CUDA_KERNEL_ASSERT(condition)

/** The four-number atomic of compute capability 9.0, four single ones elsewhere. */
__device__ __forceinline__ void atomic_add4(float* place, float a, float b, float c, float d) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  atomicAdd(reinterpret_cast<float4*>(place), make_float4(a, b, c, d));
#else
  atomicAdd(place, a);
  atomicAdd(place + 1, b);
  atomicAdd(place + 2, c);
  atomicAdd(place + 3, d);
#endif
}

}  // namespace adsam
#endif

namespace adsam {

constexpr unsigned kWarp = 32;
constexpr unsigned kWholeWarp = 0xffffffffu;
/** Threads of a block, where a kernel has no wish of its own. */
constexpr unsigned kBlock = 256;

/** Blocks of `block` threads for `threads` of them, in one dimension of a grid. */
inline unsigned blocks_for(int64_t threads, unsigned block = kBlock) {
  return static_cast<unsigned>((threads + block - 1) / block);
}

/** Number of this thread in a grid of one dimension; the grids here have fewer than 2^32 threads. */
__device__ __forceinline__ uint32_t thread_number() { return blockIdx.x * blockDim.x + threadIdx.x; }

/** Sum over `lanes` neighbouring threads (a power of two up to 32); all of a warp must call it, and all get the sum. */
template <typename T>
__device__ __forceinline__ T sum_over_lanes(T value, unsigned lanes) {
  for (unsigned apart = lanes / 2; apart > 0; apart /= 2) value += __shfl_xor_sync(kWholeWarp, value, apart);
  return value;
}

}  // namespace adsam
