#include "confusion_matrix/count.h"

#include "common/on_cpu.h"

namespace adsam {
namespace {

/** Whether all of a stretch are the first, of labels and predictions alike. */
template <int kLength>
ADSAM_INLINE bool uniform(const uint8_t* prediction, const uint8_t* label) {
  uint8_t differing = 0;
  for (int i = 0; i < kLength; ++i) differing |= (prediction[i] ^ prediction[0]) | (label[i] ^ label[0]);
  return differing == 0;
}

ADSAM_INLINE void encode_ids_body(const int64_t* ids, int64_t count, int64_t classes, int64_t special,
                                  int64_t special_code, int64_t other_code, uint8_t* out) {
  const auto limit = static_cast<uint64_t>(classes);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t other = ids[i] == special ? special_code : other_code;
    out[i] = static_cast<uint8_t>(static_cast<uint64_t>(ids[i]) < limit ? ids[i] : other);
  }
}

}  // namespace

void encode_ids(const int64_t* ids, int64_t count, int64_t classes, int64_t special, int64_t special_code,
                int64_t other_code, uint8_t* out) {
  on_cpu<encode_ids_body>(ids, count, classes, special, special_code, other_code, out);
}

namespace {

// Streets come in stretches of one class, seen as that class: a whole stretch is one addition. Where it is not, four
// tables in turn: the same cell twice in a row would wait for its own store.
ADSAM_INLINE void count_pairs_body(const uint8_t* prediction, const uint8_t* label, int64_t count,
                                   const uint32_t* row_of, const uint32_t* column_of, int64_t tables, int64_t cells,
                                   uint32_t* counts) {
  constexpr int kLong = 64, kShort = 8;
  uint32_t* table[4];
  for (int k = 0; k < 4; ++k) table[k] = counts + (k % tables) * cells;
  const auto cell = [&](int64_t i) { return row_of[label[i]] + column_of[prediction[i]]; };

  int64_t i = 0;
  for (; i + kLong <= count; i += kLong) {
    if (uniform<kLong>(prediction + i, label + i)) {
      table[0][cell(i)] += kLong;
      continue;
    }
    for (int64_t j = i; j < i + kLong; j += kShort) {
      if (uniform<kShort>(prediction + j, label + j))
        table[0][cell(j)] += kShort;
      else
        for (int k = 0; k < kShort; ++k) ++table[k % 4][cell(j + k)];
    }
  }
  for (; i < count; ++i) ++table[0][cell(i)];
}

}  // namespace

void count_pairs(const uint8_t* prediction, const uint8_t* label, int64_t count, const uint32_t* row_of,
                 const uint32_t* column_of, int64_t tables, int64_t cells, uint32_t* counts) {
  on_cpu<count_pairs_body>(prediction, label, count, row_of, column_of, tables, cells, counts);
}

}  // namespace adsam
