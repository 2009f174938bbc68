#pragma once

#include "common/bilinear.h"
#include "ms_deform_attn/geometry.h"

/** The inner loops of multi-scale deformable attention on bare, dense memory. */
namespace adsam {

template <typename T>
struct AttentionInputs {
  const AttentionGeometry& geometry;
  const T* value;      // [B, S, nHeads, headDim]
  const T* locations;  // [B, Lq, nHeads, nLevels, nPoints, 2], (x, y) in [0, 1]
  const T* weights;    // [B, Lq, nHeads, nLevels, nPoints]
  const T* zeros;      // [headDim] zeros
};

/** Gradients in the inputs' layouts; null where not wanted. value must start as zeros. */
template <typename T>
struct AttentionGradients {
  T* value;
  T* locations;
  T* weights;
};

/** Writes output [B, Lq, nHeads·headDim] for queries [begin, end) counted over the whole batch. */
template <typename T>
void attend(const AttentionInputs<T>& in, int64_t begin, int64_t end, T* output);

/**
 * All gradients that belong to one head and one level of one picture. Different (picture, head, level) share no number,
 * so threads may take one each.
 */
template <typename T>
void attend_backward(const AttentionInputs<T>& in, int64_t picture, int64_t head, int64_t level,
                     const T* output_gradient, AttentionGradients<T> result);

}  // namespace adsam
