#pragma once

#include "attention/geometry.h"

/** What the formulations in plain operators share. */
namespace adsam {

/** A chunk of the attention matrix holds at most this many elements (64 MB in float32), whatever the picture's size. */
constexpr int64_t kChunkElements = 16 * 1024 * 1024;

/** [B, H, W, 3·C] → [3, windows·heads, keys, head_dim], what lies beyond the map filled with `outside` (or zeros). */
Tensor to_windows(const RelPosGeometry& g, const Tensor& qkv, const Optional<Tensor>& outside);

/** [windows·heads, keys, head_dim] → [B, H, W, C], what lies beyond the map cut off. */
Tensor from_windows(const RelPosGeometry& g, const Tensor& tensor);

/** table [2·size - 1, head_dim] → [size, size, head_dim], row = query, column = key. */
Tensor spread_table(const Tensor& table, int64_t size);

/** Each query's dot product with the positions of its row: q [G, h, w, D], positions [h, h, D] → [G, h, w, h]. */
Tensor row_terms(const Tensor& q, const Tensor& positions);

}  // namespace adsam
