#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace adsam {

/**
 * Large blocks of memory that stay mapped after they are freed, so that the next tensor does not pay for fresh pages: the kernel clears
 * every page it hands out, an eighth of a training step's time. One reserved range of addresses, cut into blocks; free neighbours join.
 *
 * It never holds more than was in use at once: before fresh pages would take the resident ones over the most that ever lived together,
 * free pages are given back. Free blocks that nobody asked for in ten seconds are given back too, at the next call.
 * Any thread may call any method.
 */
class Arena {
 public:
  static constexpr size_t kPage = size_t{2} << 20;  // one huge page: the unit in which memory is taken and given back

  /** @param reserve bytes of addresses, not of memory; where they cannot be had every `allocate` gives nullptr */
  explicit Arena(size_t reserve);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /** @returns memory of at least `bytes`, aligned to 4096, not cleared; nullptr where there is no room */
  void* allocate(size_t bytes);
  /** @param pointer of `allocate` */
  void free(void* pointer);
  bool owns(const void* pointer) const { return base_ <= pointer && pointer < base_ + reserved_; }
  /** Gives back every page that no block in use touches. */
  void trim();

  struct Usage {
    size_t live;      // bytes in blocks in use
    size_t peak;      // the most of them ever
    size_t resident;  // bytes of pages touched and not given back: what the process holds at most
  };
  Usage usage() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Block {
    size_t size;
    bool used;
    Clock::time_point freed;
  };
  using Blocks = std::map<char*, Block>;  // all of them, by address

  void insertFree(Blocks::iterator block);
  void removeFree(Blocks::iterator block);
  size_t coldPages(const char* start, size_t size) const;
  void touch(const char* start, size_t size);
  void giveBack(Blocks::iterator block);
  void giveBackUntil(size_t resident);
  void giveBackStale();

  mutable std::mutex mutex_;
  char* base_ = nullptr;
  size_t reserved_ = 0;
  Blocks blocks_;
  std::set<std::pair<size_t, char*>> free_;               // by size: the best fit is the lower bound
  std::set<std::pair<Clock::time_point, char*>> by_age_;  // free blocks that may have resident pages, oldest first
  std::vector<bool> resident_;                            // one a page
  size_t resident_pages_ = 0, live_ = 0, peak_ = 0;
};

}  // namespace adsam
