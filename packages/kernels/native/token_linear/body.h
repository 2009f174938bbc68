#pragma once

#include "common/gelu.h"
#include "panels/multiply.h"
#include "panels/pack.h"
#include "token_linear/problem.h"

/**
 * Linear layers over tokens. `linear` has tokens as the rows of its tiles, so that results are written as they lie; `mlp` has them
 * as columns, so that what the first layer writes is at once packed for the second, and never leaves the cache.
 */
namespace adsam::ADSAM_ISA {

template <class Unit>
struct Tokens {
  static int64_t units(int64_t count) { return Operand<Unit>::units(count); }
  static int64_t panels_of(int64_t count, int64_t size) { return (count + size - 1) / size; }

  /** Panels of columns follow each other; panels of rows have room for what packing writes too far. */
  static int64_t column_stride(int64_t in) { return units(in) * kColumns; }
  static int64_t row_stride(int64_t in) { return units(in) * kRows + kLanes; }
  static int64_t column_panels(int64_t out) { return panels_of(out, kColumns); }
  static int64_t row_panels(int64_t out) { return panels_of(out, kRows); }
  static int64_t columns_bytes(int64_t out, int64_t in) { return column_panels(out) * column_stride(in) * 4; }
  static int64_t rows_bytes(int64_t out, int64_t in) { return row_panels(out) * row_stride(in) * 4; }

  template <class Stored, int size>
  static void pack_weight(const WeightRows& w, int64_t panel, Unit* to) {
    const Stored* rows[size + kLanes];
    for (int64_t i = 0; i < size + kLanes; ++i) {
      const int64_t row = panel * size + (i < size ? i : 0);
      rows[i] = static_cast<const Stored*>(w.data) + (row < w.count ? row : w.count - 1) * w.width;
    }
    pack<Unit, Stored>(to, size, rows, size, w.width);
  }
  static void pack_columns(const WeightRows& w, int64_t panel, void* packed) {
    Unit* to = static_cast<Unit*>(packed) + panel * column_stride(w.width);
    w.low ? pack_weight<uint16_t, kColumns>(w, panel, to) : pack_weight<float, kColumns>(w, panel, to);
  }
  static void pack_rows(const WeightRows& w, int64_t panel, void* packed) {
    Unit* to = static_cast<Unit*>(packed) + panel * row_stride(w.width);
    w.low ? pack_weight<uint16_t, kRows>(w, panel, to) : pack_weight<float, kRows>(w, panel, to);
  }

  /** (row − mean) / deviation · weight + bias. */
  static void normalise(const float* row, int64_t width, const TokenNorm& norm, float* to) {
    Floats sums{};
    float sum = 0;
    int64_t i = 0;
    for (; i + kLanes <= width; i += kLanes) sums += load(row + i);
    for (; i < width; ++i) sum += row[i];
    for (int lane = 0; lane < kLanes; ++lane) sum += sums[lane];
    const float mean = sum / static_cast<float>(width);
    Floats squares{};
    float square = 0;
    for (i = 0; i + kLanes <= width; i += kLanes) {
      const Floats centred = load(row + i) - mean;
      squares += centred * centred;
    }
    for (; i < width; ++i) square += (row[i] - mean) * (row[i] - mean);
    for (int lane = 0; lane < kLanes; ++lane) square += squares[lane];
    const float factor = 1.f / __builtin_sqrtf(square / static_cast<float>(width) + norm.epsilon);
    for (i = 0; i + kLanes <= width; i += kLanes)
      store(to + i, (load(row + i) - mean) * factor * load(norm.weight + i) + load(norm.bias + i));
    for (; i < width; ++i) to[i] = (row[i] - mean) * factor * norm.weight[i] + norm.bias[i];
  }

  /** Tokens [first, first + count) as one panel `size` wide, normalised where a norm is given; the last fills what is left. */
  template <int size>
  static void pack_tokens(const TokenRows& x, const TokenNorm& norm, int64_t first, int64_t count, Unit* to,
                          float* normal) {
    const auto token = [&](int64_t i) { return first + (i < count ? i : count - 1); };
    if (norm.weight == nullptr && x.low) {
      const uint16_t* rows[size + kLanes];
      for (int64_t i = 0; i < size + kLanes; ++i) rows[i] = static_cast<const uint16_t*>(x.data) + token(i) * x.width;
      return pack<Unit, uint16_t>(to, size, rows, size, x.width);
    }
    const float* rows[size + kLanes];
    for (int64_t i = 0; i < size + kLanes; ++i) rows[i] = static_cast<const float*>(x.data) + token(i) * x.width;
    if (norm.weight != nullptr) {
      for (int64_t i = 0; i < count; ++i) normalise(rows[i], x.width, norm, normal + i * x.width);
      for (int64_t i = 0; i < size + kLanes; ++i) rows[i] = normal + (i < count ? i : count - 1) * x.width;
    }
    pack<Unit, float>(to, size, rows, size, x.width);
  }

  /** As many tokens as keep their packed rows in a share of the second-level cache, in whole panels. */
  static int64_t linear_tokens(int64_t in) {
    const int64_t panels = 384 * 1024 / (row_stride(in) * 4);
    return (panels < 1 ? 1 : panels > 8 ? 8 : panels) * kRows;
  }
  static int64_t linear_scratch(int64_t in) {
    return (linear_tokens(in) / kRows * row_stride(in) + kRows * in + kRows * kColumns) * 4;
  }

  static void linear(const LinearProblem& p, int64_t begin, int64_t end, void* scratch) {
    const int64_t in = p.x.width, out = p.out_width, stride = row_stride(in), panels = panels_of(end - begin, kRows);
    float* tile = static_cast<float*>(scratch);
    float* normal = tile + kRows * kColumns;
    Unit* tokens = reinterpret_cast<Unit*>(normal + kRows * in);
    const auto rows_of = [&](int64_t i) { return end - begin - i * kRows < kRows ? end - begin - i * kRows : kRows; };
    for (int64_t i = 0; i < panels; ++i)
      pack_tokens<kRows>(p.x, p.norm, begin + i * kRows, rows_of(i), tokens + i * stride, normal);

    for (int64_t column = 0; column < out; column += kColumns) {
      const int64_t width = out - column < kColumns ? out - column : kColumns;
      alignas(64) float bias[kColumns] = {};
      if (p.bias != nullptr)
        for (int64_t i = 0; i < width; ++i) bias[i] = p.bias[column + i];
      const Unit* weight = static_cast<const Unit*>(p.panels) + column / kColumns * column_stride(in);
      const bool direct = !p.out_low && p.residual == nullptr && width == kColumns;
      for (int64_t i = 0; i < panels; ++i) {
        const int64_t first = begin + i * kRows, rows = rows_of(i);
        float* c = direct ? static_cast<float*>(p.out) + first * out + column : tile;
        multiply<Unit, Tile::plain>(rows, kVectors, {tokens + i * stride, kRows, weight, units(in), bias, 0, c,
                                                     direct ? out : kColumns, nullptr, nullptr});
        if (!direct)
          for (int64_t row = 0; row < rows; ++row)
            write(tile + row * kColumns, p, (first + row) * out + column, width);
      }
    }
  }

  /** `width` numbers of a token, with the residual, to where they belong: element `at` of the result. */
  static ADSAM_INLINE void write(const float* numbers, const LinearProblem& p, int64_t at, int64_t width) {
    int64_t i = 0;
    for (; i + kLanes <= width; i += kLanes) {
      Floats sum = load(numbers + i);
      if (p.residual != nullptr) sum += load(p.residual + at + i);
      if (p.out_low)
        store(static_cast<uint16_t*>(p.out) + at + i, narrow(sum));
      else
        store(static_cast<float*>(p.out) + at + i, sum);
    }
    for (; i < width; ++i) {
      const float sum = numbers[i] + (p.residual != nullptr ? p.residual[at + i] : 0.f);
      if (p.out_low)
        static_cast<uint16_t*>(p.out)[at + i] = narrow(sum);
      else
        static_cast<float*>(p.out)[at + i] = sum;
    }
  }

  /** Numbers of the hidden layer that are worked on at once: whole panels, and pairs. */
  static constexpr int64_t kChunk = 384 / kRows * kRows;
  static_assert(kChunk % 2 == 0);

  /** What a token takes of the cache while it is worked on, in floats: itself, its part of the hidden layer, its sums. */
  static int64_t mlp_footprint(const MlpProblem& p) { return units(p.x.width) + units(kChunk) + p.out_width; }

  /** As many tokens as leave a quarter of a second-level cache of 1 MB to the weights that stream by. */
  static int64_t mlp_tokens(const MlpProblem& p) {
    const int64_t panels = 768 * 1024 / (mlp_footprint(p) * 4 * kColumns);
    return (panels < 1 ? 1 : panels) * kColumns;
  }
  static int64_t mlp_scratch(const MlpProblem& p) {
    return (mlp_tokens(p) * mlp_footprint(p) + kColumns * p.x.width + kRows * kColumns) * 4;
  }

  static void mlp(const MlpProblem& p, int64_t begin, int64_t end, void* scratch) {
    const int64_t in = p.x.width, panels = panels_of(end - begin, kColumns);
    float* tile = static_cast<float*>(scratch);
    float* normal = tile + kRows * kColumns;                 // [kColumns][in]
    float* sums = normal + kColumns * in;                    // panels × [out][kColumns]
    Unit* tokens = reinterpret_cast<Unit*>(sums + panels * kColumns * p.out_width);  // panels × [in][kColumns]
    Unit* hidden = tokens + panels * kColumns * units(in);          // panels × [kChunk][kColumns]
    for (int64_t i = 0; i < panels; ++i) {
      const int64_t first = begin + i * kColumns, count = end - first < kColumns ? end - first : kColumns;
      pack_tokens<kColumns>(p.x, p.norm, first, count, tokens + i * column_stride(in), normal);
    }
    alignas(64) static constexpr float none[kColumns] = {};

    for (int64_t chunk = 0; chunk < p.hidden; chunk += kChunk) {
      const int64_t size = p.hidden - chunk < kChunk ? p.hidden - chunk : kChunk;
      for (int64_t row = 0; row < size; row += kRows) {
        const int64_t rows = size - row < kRows ? size - row : kRows;
        const Unit* weight = static_cast<const Unit*>(p.panels1) + (chunk + row) / kRows * row_stride(in);
        for (int64_t i = 0; i < panels; ++i) {
          multiply<Unit, Tile::plain>(rows, kVectors, {weight, kRows, tokens + i * column_stride(in), units(in), none, 0,
                                                       tile, kColumns, nullptr, nullptr});
          activate(tile, rows, p.bias1 == nullptr ? nullptr : p.bias1 + chunk + row,
                   hidden + (i * units(kChunk) + units(row)) * kColumns);
        }
      }
      for (int64_t row = 0; row < p.out_width; row += kRows) {
        const int64_t rows = p.out_width - row < kRows ? p.out_width - row : kRows;
        const Unit* weight =
            static_cast<const Unit*>(p.panels2) + row / kRows * row_stride(p.hidden) + units(chunk) * kRows;
        for (int64_t i = 0; i < panels; ++i) {
          float* sum = sums + (i * p.out_width + row) * kColumns;
          multiply<Unit, Tile::plain>(rows, kVectors,
                                      {weight, kRows, hidden + i * units(kChunk) * kColumns, units(size),
                                       chunk == 0 ? none : sum, chunk == 0 ? 0 : kColumns, sum, kColumns, nullptr,
                                       nullptr});
        }
      }
    }
    for (int64_t i = 0; i < panels; ++i)
      for (int v = 0; v < kVectors; ++v) {
        const int64_t first = begin + i * kColumns + v * kLanes;
        if (first < end) write_columns(sums + i * p.out_width * kColumns + v * kLanes, p, first, end);
      }
  }

  /** gelu(tile + bias), as rows of the next product. */
  static ADSAM_INLINE void activate(const float* tile, int64_t rows, const float* bias, float* to) {
    for (int64_t row = 0; row < rows; ++row)
      for (int v = 0; v < kVectors; ++v)
        store(to + row * kColumns + v * kLanes,
              gelu(load(tile + row * kColumns + v * kLanes) + (bias == nullptr ? 0.f : bias[row])));
  }
  static ADSAM_INLINE void activate(const float* tile, int64_t rows, const float* bias, Pair* to) {
    const auto one = [&](int64_t row, int v) {
      if (row >= rows) return Floats{};
      return gelu(load(tile + row * kColumns + v * kLanes) + (bias == nullptr ? 0.f : bias[row]));
    };
    for (int64_t row = 0; row < rows; row += 2)
      for (int v = 0; v < kVectors; ++v)
        store(to + row / 2 * kColumns + v * kLanes, paired(one(row, v), one(row + 1, v)));
  }

  /** sums[out][token] of kLanes tokens from `first` on → their rows of the result. */
  static void write_columns(const float* sums, const MlpProblem& p, int64_t first, int64_t end) {
    const int64_t count = end - first < kLanes ? end - first : kLanes, out = p.out_width;
    int64_t column = 0;
    for (; column + kLanes <= out; column += kLanes) {
      Floats block[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) block[i] = load(sums + (column + i) * kColumns);
      transpose(block);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t at = (first + i) * out + column;
        Floats sum = block[i];
        if (p.bias2 != nullptr) sum += load(p.bias2 + column);
        if (p.residual != nullptr) sum += load(p.residual + at);
        store(p.out + at, sum);
      }
    }
    for (; column < out; ++column)
      for (int64_t i = 0; i < count; ++i) {
        const int64_t at = (first + i) * out + column;
        p.out[at] = sums[column * kColumns + i] + (p.bias2 == nullptr ? 0.f : p.bias2[column]) +
                    (p.residual == nullptr ? 0.f : p.residual[at]);
      }
  }

  static constexpr TokenFunctions functions() {
    return {columns_bytes, rows_bytes,    column_panels,  row_panels, pack_columns, pack_rows,   kRows,
            kColumns,      linear_tokens, linear_scratch, linear,     mlp_tokens,   mlp_scratch, mlp};
  }
};

}  // namespace adsam::ADSAM_ISA
