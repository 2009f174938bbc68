#pragma once

#include <cstdint>

/** Linear layers over tokens, as plain numbers and pointers: what passes between the drivers and the compiled instruction sets. */
namespace adsam {

/** Rows of tokens, dense, float32 or bfloat16. */
struct TokenRows {
  const void* data;
  bool low;  // bfloat16
  int64_t width;
};

/** Normalisation of each token before a product; `weight` null: none. */
struct TokenNorm {
  const float* weight;
  const float* bias;
  float epsilon;
};

/** A weight [out, in] as it lies in memory. */
struct WeightRows {
  const void* data;
  bool low;
  int64_t count, width;
};

/** out = norm(x)·Wᵀ + bias (+ residual), a row a token. */
struct LinearProblem {
  TokenRows x;
  TokenNorm norm;
  const void* panels;     // W, packed in panels of columns
  int64_t out_width;
  const float* bias;      // or null
  const float* residual;  // [tokens, out_width], or null; may be `out`
  void* out;
  bool out_low;
};

/** out = gelu(norm(x)·W1ᵀ + bias1)·W2ᵀ + bias2 (+ residual), a row a token; x and out are float32. */
struct MlpProblem {
  TokenRows x;
  TokenNorm norm;
  const void* panels1;  // W1 and W2, packed in panels of rows
  const void* panels2;
  int64_t hidden, out_width;
  const float *bias1, *bias2;
  const float* residual;
  float* out;
};

/** One precision's functions: products in float32, or of bfloat16 pairs with float32 sums. */
struct TokenFunctions {
  /** Bytes of a packed weight; panels are packed one at a time, so that threads share the work. */
  int64_t (*columns_bytes)(int64_t out, int64_t in);
  int64_t (*rows_bytes)(int64_t out, int64_t in);
  int64_t (*column_panels)(int64_t out);
  int64_t (*row_panels)(int64_t out);
  void (*pack_columns)(const WeightRows&, int64_t panel, void* packed);
  void (*pack_rows)(const WeightRows&, int64_t panel, void* packed);
  /** Tokens [begin, end), at most `linear_tokens` / `mlp_tokens` of them, with scratch memory of so many bytes, 64-byte aligned. */
  int64_t row_step, column_step;  // tokens of a panel of rows, and of columns
  int64_t (*linear_tokens)(int64_t in);
  int64_t (*linear_scratch)(int64_t in);
  void (*linear)(const LinearProblem&, int64_t begin, int64_t end, void* scratch);
  int64_t (*mlp_tokens)(const MlpProblem&);
  int64_t (*mlp_scratch)(const MlpProblem&);
  void (*mlp)(const MlpProblem&, int64_t begin, int64_t end, void* scratch);
};

struct TokenKernels {
  TokenFunctions single, low;
};

}  // namespace adsam
