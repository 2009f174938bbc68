#include "distance_transform/cuda.h"

#include <algorithm>
#include <limits>

#include "common/check.h"
#include "gpu/gpu.h"

/**
 * Exact Euclidean distance transform on a GPU, in whole numbers until the last root: distances down the columns, then
 * for every pixel the least of column² + apart² over its row, from the pixel outwards and no further than the least
 * found so far. That search is as long as the distance itself: short where labels have many borders.
 */
namespace adsam {
namespace {

constexpr int32_t kNone = std::numeric_limits<int32_t>::max();
constexpr unsigned kColumns = 32;   // of a block: a warp reads one line of the mask
constexpr unsigned kSegments = 16;  // that a column is cut into, a thread each

/** Distance to the nearest zero of the same column, kNone where it has none: [pictures, H, W]. Grid: (strips of columns,
 * pictures); block: kColumns × kSegments. */
__global__ void __launch_bounds__(kColumns* kSegments)
    column_distances_kernel(const uint8_t* mask, int32_t height, int32_t width, int64_t first_picture,
                            int32_t* distances) {
  __shared__ int32_t last_zero[kSegments][kColumns];   // rows, of each segment
  __shared__ int32_t first_zero[kSegments][kColumns];  // -1 and kNone where a segment has none
  const uint32_t lane = threadIdx.x % kColumns, segment = threadIdx.x / kColumns;
  const int64_t x = static_cast<int64_t>(blockIdx.x) * kColumns + lane;
  const int64_t picture = (first_picture + blockIdx.y) * height * width;
  const int32_t rows = (height + static_cast<int32_t>(kSegments) - 1) / static_cast<int32_t>(kSegments);
  const int32_t begin = min(static_cast<int32_t>(segment) * rows, height), end = min(begin + rows, height);
  const bool inside = x < width;

  int32_t last = -1, first = kNone;
  if (inside)
    for (int32_t y = begin; y < end; ++y)
      if (mask[picture + static_cast<int64_t>(y) * width + x] == 0) {
        last = y;
        if (first == kNone) first = y;
      }
  last_zero[segment][lane] = last, first_zero[segment][lane] = first;
  __syncthreads();
  if (!inside) return;

  int32_t above = -1, below = kNone;
  for (uint32_t s = 0; s < segment; ++s) above = max(above, last_zero[s][lane]);
  for (uint32_t s = segment + 1; s < kSegments; ++s) below = min(below, first_zero[s][lane]);
  for (int32_t y = begin; y < end; ++y) {
    const int64_t at = picture + static_cast<int64_t>(y) * width + x;
    if (mask[at] == 0) above = y;
    distances[at] = above < 0 ? kNone : y - above;
  }
  for (int32_t y = end - 1; y >= begin; --y) {
    const int64_t at = picture + static_cast<int64_t>(y) * width + x;
    if (distances[at] == 0) below = y;
    if (below != kNone) distances[at] = min(distances[at], below - y);
  }
}

/** `N`: int32_t where squares of the picture's diagonal fit it, else int64_t. A thread a pixel. */
template <typename N>
__global__ void __launch_bounds__(kBlock)
    row_distances_kernel(const int32_t* columns, int32_t width, int64_t pixels, float* distances) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= pixels) return;
  constexpr N kFar = std::numeric_limits<N>::max();
  const auto squared = [](int32_t distance) { return distance == kNone ? kFar : N(distance) * N(distance); };
  const int32_t x = static_cast<int32_t>(at % width);
  const int32_t* row = columns + (at - x);
  N nearest = squared(row[x]);
  const int32_t reach = max(x, width - 1 - x);
  for (int32_t apart = 1; apart <= reach; ++apart) {
    const N apart2 = N(apart) * N(apart);
    if (apart2 >= nearest) break;
    // A column without a zero stays far: kFar + apart² must not be formed.
    if (x >= apart && row[x - apart] != kNone) nearest = min(nearest, squared(row[x - apart]) + apart2);
    if (x + apart < width && row[x + apart] != kNone) nearest = min(nearest, squared(row[x + apart]) + apart2);
  }
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float distance = kInfinity;
  if (nearest < N(1 << 24))
    distance = sqrtf(static_cast<float>(nearest));  // exact until here, so the root is the nearest float32
  else if (nearest != kFar)
    distance = static_cast<float>(sqrt(static_cast<double>(nearest)));
  distances[at] = distance;
}

}  // namespace

Tensor distance_transform_cuda(const Tensor& mask) {
  check_distance_mask(mask);
  Tensor result = at::empty(mask.sizes(), mask.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous));
  if (result.numel() == 0) return result;
  const OnDeviceOf device(mask);
  const Tensor source = mask.contiguous();
  const int64_t height = mask.size(-2), width = mask.size(-1), pixels = mask.numel();
  ADSAM_CHECK(height < kNone / 2 && width < kNone / 2 && pixels / kBlock < kNone, "distance_transform mask",
              c10::str("shape ", mask.sizes()), "fewer pixels for one launch on a GPU", "Give it fewer pictures at a time.");
  const Tensor columns = at::empty(result.sizes(), result.options().dtype(at::kInt));
  int32_t* column = columns.data_ptr<int32_t>();
  const int64_t pictures = pixels / (height * width);
  constexpr int64_t kPicturesAtOnce = 65535;  // the most that a grid's second dimension counts
  for (int64_t first = 0; first < pictures; first += kPicturesAtOnce)
    launch(column_distances_kernel,
           dim3(blocks_for(width, kColumns), static_cast<unsigned>(std::min(kPicturesAtOnce, pictures - first))),
           kColumns * kSegments, static_cast<const uint8_t*>(source.data_ptr()), static_cast<int32_t>(height),
           static_cast<int32_t>(width), first, column);
  float* out = result.data_ptr<float>();
  const bool fits = height * height + width * width < kNone;
  launch(fits ? row_distances_kernel<int32_t> : row_distances_kernel<int64_t>, blocks_for(pixels), kBlock, column,
         static_cast<int32_t>(width), pixels, out);
  return result;
}

}  // namespace adsam
