#include "pictures/pixels.h"

#include <algorithm>

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
    if (channels == 1)
      std::reverse_copy(from, from + width, to);
    else
      for (int64_t x = 0; x < width; ++x)
        for (int64_t c = 0; c < 3; ++c) to[3 * x + c] = from[3 * (width - 1 - x) + c];
  }
}

bool look_up(const uint8_t* ids, int64_t count, const uint8_t* table, uint8_t refused, uint8_t* out) {
  bool seen[256] = {};
  for (int64_t i = 0; i < count; ++i) {
    seen[ids[i]] = true;
    out[i] = table[ids[i]];
  }
  for (int id = 0; id < 256; ++id)
    if (seen[id] && table[id] == refused) return false;
  return true;
}

}  // namespace adsam
