#pragma once

#include <limits>

#include "gpu/gpu.h"

/**
 * Lovász-softmax on a GPU: a key for every pixel of every class, one sort of many classes at once, then a weight for
 * every rank. A unit is what one Jaccard index is taken over: a picture, or the whole batch.
 */
namespace adsam {

/**
 * Errors as whole numbers, the greatest error first: bits of a float that is not negative grow with it, NaN last. Key 0
 * is NaN's or infinity's side, kLast belongs to ignored pixels alone, and error 0 is kLast − 1.
 */
template <typename T>
struct ErrorKey;

template <>
struct ErrorKey<float> {
  static constexpr int kBits = 31;
  static constexpr int64_t kLast = std::numeric_limits<int32_t>::max();
  static __device__ __forceinline__ int64_t of(float error) {
    const int64_t key = kLast - __float_as_int(error);
    return key < kLast ? key : kLast - 1;
  }
  static __device__ __forceinline__ float error(int64_t key) {
    return key >= kLast - 1 ? 0.0f : __int_as_float(static_cast<int32_t>(kLast - key));
  }
};

template <>
struct ErrorKey<double> {
  static constexpr int kBits = 63;
  static constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
  static __device__ __forceinline__ int64_t of(double error) {
    const int64_t key = kLast - __double_as_longlong(error);
    return key < kLast ? key : kLast - 1;
  }
  static __device__ __forceinline__ double error(int64_t key) {
    return key >= kLast - 1 ? 0.0 : __longlong_as_double(kLast - key);
  }
};

/** A pixel's place in its unit; the top bit says that its label is the class. */
constexpr int32_t kOfClass = std::numeric_limits<int32_t>::min();

/** One unit of a batch. */
template <typename T, typename L>
struct LovaszUnit {
  const T* probabilities;  // [pictures, C, pixels]
  const L* labels;         // [pictures, pixels]
  int32_t classes, pixels;  // pixels of one picture
  int64_t places;           // pictures · pixels
  int64_t ignored;          // the label that counts nowhere
};

/** Pixels of each class in the unit, and checks the labels: counts [C], zeros before. Shared sums first: one atomic a
 * block and class. */
template <typename T, typename L>
__global__ void __launch_bounds__(kBlock) count_labels(LovaszUnit<T, L> unit, int32_t* counts) {
  constexpr int32_t kShared = 256;
  __shared__ int32_t of_block[kShared];
  for (int32_t c = threadIdx.x; c < kShared; c += blockDim.x) of_block[c] = 0;
  __syncthreads();
  const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t p = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; p < unit.places; p += step) {
    const int64_t label = unit.labels[p];
    if (label == unit.ignored) continue;
    ADSAM_DEVICE_CHECK(label >= 0 && label < unit.classes);  // a label that is neither a class nor ignored
    if (label < 0 || label >= unit.classes) continue;
    atomicAdd(label < kShared ? of_block + label : counts + label, 1);
  }
  __syncthreads();
  const int32_t in_block = unit.classes < kShared ? unit.classes : kShared;
  for (int32_t c = threadIdx.x; c < in_block; c += blockDim.x)
    if (of_block[c] != 0) atomicAdd(counts + c, of_block[c]);
}

/** Keys and places of classes [first_class, first_class + gridDim.y), a row of the grid each. */
template <typename T, typename L>
__global__ void __launch_bounds__(kBlock)
    make_keys(LovaszUnit<T, L> unit, int32_t first_class, int64_t* keys, int32_t* places) {
  const int64_t p = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (p >= unit.places) return;
  const int32_t row = blockIdx.y, label = first_class + row;
  const int64_t picture = p / unit.pixels, pixel = p % unit.pixels, at = row * unit.places + p;
  const T probability = unit.probabilities[(picture * unit.classes + label) * unit.pixels + pixel];
  const int64_t found = unit.labels[p];
  const bool of_class = found == label;
  int64_t key = ErrorKey<T>::kLast;
  if (found != unit.ignored) key = ErrorKey<T>::of(of_class ? fabs(T(1) - probability) : fabs(probability));
  // Classes one after the other: the class stands above the error's bits where there are several.
  keys[at] = gridDim.y == 1 ? key : (static_cast<int64_t>(row) << ErrorKey<T>::kBits) + key;
  places[at] = static_cast<int32_t>(p) | (of_class ? kOfClass : 0);
}

/** 1 where the pixel at that rank is of the class: what is summed up before the ranks are weighed. */
__global__ void __launch_bounds__(kBlock) flag_class(const int32_t* places, int64_t count, uint8_t* flags) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) flags[at] = places[at] < 0;
}

/** What the classes of a unit share. */
struct LovaszCounts {
  const int32_t* of_class;  // [C], pixels of each
  const int32_t* before;    // [C], pixels of the classes before it
  const double* share;      // scalar: 1 / (classes present · units)
};

/**
 * Weighs the ranks of classes [first_class, first_class + gridDim.y): the growth of the Jaccard loss when a pixel joins
 * the mistaken ones (Berman et al., "The Lovász-Softmax loss", algorithm 1), written out so that nothing cancels: 1/U
 * for a pixel of the class, I/(U(U+1)) for another. `summed` is the running count of pixels of the class over all ranks
 * of these classes, the pixel itself among them. Each block leaves the sum of its weighed errors in `losses`; the
 * gradient, where wanted, starts as zeros.
 */
template <typename T, typename L>
__global__ void __launch_bounds__(kBlock)
    weigh_ranks(LovaszUnit<T, L> unit, int32_t first_class, const int64_t* keys, const int32_t* places,
                const int32_t* summed, LovaszCounts counts, double* losses, T* gradient) {
  __shared__ double of_warp[kBlock / kWarp];
  const int64_t rank = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const int32_t row = blockIdx.y, label = first_class + row;
  const int32_t of_class = counts.of_class[label];
  T loss = 0;
  if (rank < unit.places && of_class > 0) {
    const int64_t at = row * unit.places + rank;
    const int64_t key = gridDim.y == 1 ? keys[at] : keys[at] - (static_cast<int64_t>(row) << ErrorKey<T>::kBits);
    if (key != ErrorKey<T>::kLast) {
      const int32_t place = places[at];
      const bool mine = place < 0;
      // Of the class before this rank: the running count, less the classes before and less the pixel itself.
      const int32_t seen = summed[at] - (counts.before[label] - counts.before[first_class]) - (mine ? 1 : 0);
      const T intersection = static_cast<T>(of_class - seen);
      const T reunion = static_cast<T>(of_class + (rank - seen));
      const T weight = mine ? T(1) / reunion : intersection / reunion / (reunion + T(1));
      const T error = ErrorKey<T>::error(key), share = static_cast<T>(*counts.share);
      loss = weight * error * share;
      if (gradient && error > T(0)) {
        const int64_t p = place & ~kOfClass, picture = p / unit.pixels;
        gradient[(picture * unit.classes + label) * unit.pixels + p % unit.pixels] = mine ? -weight * share : weight * share;
      }
    }
  }
  loss = sum_over_lanes(loss, kWarp);
  if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = static_cast<double>(loss);
  __syncthreads();
  if (threadIdx.x != 0) return;
  double of_block = 0;
  for (unsigned w = 0; w < kBlock / kWarp; ++w) of_block += of_warp[w];
  losses[static_cast<int64_t>(blockIdx.y) * gridDim.x + blockIdx.x] = of_block;
}

}  // namespace adsam
