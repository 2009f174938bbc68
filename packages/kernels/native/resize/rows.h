#pragma once

#include "resize/axis.h"

/** What bilinear resizing does to whole rows, compiled for each instruction set. */
namespace adsam {

/** Two rows of pixels, channels-last, that an output row lies between. */
template <typename T>
struct RowPair {
  const T *top, *bottom;
  T bottom_share;
};

/** A row of the map that is put beside the resized one, pixel by pixel; none where it has no channels. */
template <typename T>
struct Beside {
  const T* row;
  int64_t channels;
};

/** One output row, channels-last: each pixel is four pixels blended, and after it the pixel of the map beside. */
void blend_pixels(const RowPair<float>& rows, const AxisTaps<float>& columns, int64_t channels, Beside<float> beside,
                  float* out);
void blend_pixels(const RowPair<double>& rows, const AxisTaps<double>& columns, int64_t channels, Beside<double> beside,
                  double* out);

/** A run of pixels `stride` elements apart, and the weight of each. */
template <typename T>
struct WeightedPixels {
  const T* first;
  int64_t stride, count;
  const T* weights;
  T scale;  // of all of them
};

/** out[c] = or += scale · Σ weight · pixel[c] */
void add_pixels(const WeightedPixels<float>& pixels, int64_t channels, bool accumulate, float* out);
void add_pixels(const WeightedPixels<double>& pixels, int64_t channels, bool accumulate, double* out);

/** A row of one plane stretched over its columns: out[i] between in[lower[i]] and in[upper[i]]. */
void stretch_row(const float* in, const AxisTaps<float>& columns, float* out);
void stretch_row(const double* in, const AxisTaps<double>& columns, double* out);

/** The other way: out[i] = Σ weight · in[reader] over the readers of column i, `width` columns. */
void gather_row(const float* in, const AxisReaders<float>& columns, int64_t width, float* out);
void gather_row(const double* in, const AxisReaders<double>& columns, int64_t width, double* out);

/** out[i] = (1 − share)·a[i] + share·b[i] */
void mix_rows(const float* a, const float* b, float share, int64_t count, float* out);
void mix_rows(const double* a, const double* b, double share, int64_t count, double* out);

}  // namespace adsam
