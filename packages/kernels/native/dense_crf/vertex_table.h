#pragma once

#include <cstdint>
#include <vector>

namespace adsam {

/** Keys (≥ 0) to numbers from 0, in the order in which they come; open addressing, at most half full. */
class VertexTable {
 public:
  explicit VertexTable(int64_t expected) { reserve(expected); }

  /** The key's number, a new one where it is not there. */
  int32_t add(int64_t key) {
    if (2 * (keys_.size() + 1) > slots_.size()) reserve(2 * static_cast<int64_t>(keys_.size() + 1));
    const size_t slot = find(key);
    if (slots_[slot].number < 0) {
      slots_[slot] = {key, static_cast<int32_t>(keys_.size())};
      keys_.push_back(key);
    }
    return slots_[slot].number;
  }

  /** −1: not there. */
  int32_t number(int64_t key) const { return slots_[find(key)].number; }

  /** Number → key. */
  const std::vector<int64_t>& keys() const { return keys_; }

 private:
  struct Slot {
    int64_t key;
    int32_t number;
  };

  size_t find(int64_t key) const {
    size_t slot = (static_cast<uint64_t>(key) * 0x9e3779b97f4a7c15u) >> shift_;
    while (slots_[slot].number >= 0 && slots_[slot].key != key) slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }

  void reserve(int64_t expected) {
    size_t size = 64;
    shift_ = 58;
    for (; size < 2 * static_cast<size_t>(expected); size *= 2) --shift_;
    slots_.assign(size, Slot{0, -1});
    for (size_t i = 0; i < keys_.size(); ++i) slots_[find(keys_[i])] = {keys_[i], static_cast<int32_t>(i)};
  }

  std::vector<Slot> slots_;
  std::vector<int64_t> keys_;
  int shift_ = 58;
};

}  // namespace adsam
