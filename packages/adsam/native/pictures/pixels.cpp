#include "pictures/pixels.h"

#include <algorithm>
#include <cstring>

namespace adsam {

void spread(const uint8_t* data, int64_t area, const float* table, float* out) {
  const float *red = table, *green = table + 256, *blue = table + 512;
  float *to_red = out, *to_green = out + area, *to_blue = out + 2 * area;
  for (int64_t i = 0; i < area; ++i) {
    to_red[i] = red[data[3 * i]];
    to_green[i] = green[data[3 * i + 1]];
    to_blue[i] = blue[data[3 * i + 2]];
  }
}

void mirror(const uint8_t* data, int64_t height, int64_t width, int64_t channels, uint8_t* out) {
  for (int64_t y = 0; y < height; ++y) {
    const uint8_t* from = data + y * width * channels;
    uint8_t* to = out + y * width * channels;
    if (channels == 1) {
      std::reverse_copy(from, from + width, to);
      continue;
    }
    // Four bytes at once where four may be read and written: the fourth is the next pixel's, written next.
    std::memcpy(to, from + 3 * (width - 1), 3);
    for (int64_t x = 1; x < width - 1; ++x) std::memcpy(to + 3 * x, from + 3 * (width - 1 - x), 4);
    std::memcpy(to + 3 * (width - 1), from, 3);
  }
}

bool look_up(const uint8_t* ids, int64_t count, const uint8_t* table, uint8_t refused, uint8_t* out) {
  bool seen[256] = {};
  const auto take = [&](int64_t i) {
    seen[ids[i]] = true;
    out[i] = table[ids[i]];
  };
  // Labels come in stretches: eight of one id are taken at once.
  constexpr uint64_t kEach = 0x0101010101010101;
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t eight;
    std::memcpy(&eight, ids + i, 8);
    if (eight == kEach * ids[i]) {
      seen[ids[i]] = true;
      eight = kEach * table[ids[i]];
      std::memcpy(out + i, &eight, 8);
    } else {
      for (int64_t k = i; k < i + 8; ++k) take(k);
    }
  }
  for (; i < count; ++i) take(i);
  for (int id = 0; id < 256; ++id)
    if (seen[id] && table[id] == refused) return false;
  return true;
}

}  // namespace adsam
