#pragma once

#include <cstdint>

/** Rows of 3×3 max-pooling of stride 2 and padding 1, channels-last; compiled for each instruction set. */
namespace adsam {

/**
 * One output row: `rows` are the three input rows it reads, null where outside. `taps` may be null. Of equal numbers
 * the first one wins, and what is not a number wins over all, as in PyTorch.
 */
void pool_row(const float* const rows[3], int64_t width, int64_t channels, float* out, uint8_t* taps);
void pool_row(const double* const rows[3], int64_t width, int64_t channels, double* out, uint8_t* taps);

/** One or two output rows that read an input row, as its tap row `first` and `first` + 2; null where there is none. */
template <typename T>
struct PooledRows {
  const T* gradient[2];
  const uint8_t* taps[2];
  int tap_row[2];
};

/** One row of the input's gradient: each pixel sums what the output pixels round it took from it. */
void unpool_row(const PooledRows<float>& rows, int64_t width, int64_t channels, float* out);
void unpool_row(const PooledRows<double>& rows, int64_t width, int64_t channels, double* out);

}  // namespace adsam
