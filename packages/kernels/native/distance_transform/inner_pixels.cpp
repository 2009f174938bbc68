#include "distance_transform/inner_pixels.h"

#include "common/on_cpu.h"

namespace adsam {
namespace {

template <typename L>
ADSAM_INLINE void find(const L* row, const L* above, const L* below, int64_t width, uint8_t* __restrict inner) {
  inner[0] = (row[0] == above[0]) & (row[0] == below[0]) & (width == 1 || row[0] == row[1]);
  for (int64_t x = 1; x < width - 1; ++x)
    inner[x] = (row[x] == above[x]) & (row[x] == below[x]) & (row[x] == row[x - 1]) & (row[x] == row[x + 1]);
  const int64_t x = width - 1;
  if (x > 0) inner[x] = (row[x] == above[x]) & (row[x] == below[x]) & (row[x] == row[x - 1]);
}

}  // namespace

void inner_pixels(const uint8_t* row, const uint8_t* above, const uint8_t* below, int64_t width,
                  uint8_t* inner) {
  on_cpu<find<uint8_t>>(row, above, below, width, inner);
}
void inner_pixels(const int64_t* row, const int64_t* above, const int64_t* below, int64_t width,
                  uint8_t* inner) {
  on_cpu<find<int64_t>>(row, above, below, width, inner);
}

}  // namespace adsam
