#include "arena.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace adsam {
namespace {

constexpr size_t kGrain = 4096;
constexpr std::chrono::seconds kStale{10};
// Beside the peak: blocks end inside pages, and a program that only just begins should not give back at every step.
constexpr size_t kSlack = size_t{256} << 20;

size_t roundUp(size_t value, size_t to) { return (value + to - 1) / to * to; }

}  // namespace

Arena::Arena(size_t reserve) {
#ifdef __linux__
  reserve = roundUp(reserve, kPage);
  // One page more, to begin on a page's border. NORESERVE: addresses only; memory comes with the first touch.
  void* range = mmap(nullptr, reserve + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return;
  base_ = reinterpret_cast<char*>(roundUp(reinterpret_cast<uintptr_t>(range), kPage));
  madvise(base_, reserve, MADV_HUGEPAGE);  // where huge pages are off it costs more faults, nothing else
  madvise(base_, reserve, MADV_DONTDUMP);
  reserved_ = reserve;
  resident_.resize(reserve / kPage);
  insertFree(blocks_.emplace(base_, Block{reserve, false, Clock::now()}).first);
#endif
}

Arena::~Arena() {
#ifdef __linux__
  if (base_) munmap(base_, reserved_);
#endif
}

void* Arena::allocate(size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t size = roundUp(bytes, kGrain);
  const auto fit = free_.lower_bound({size, nullptr});
  if (bytes == 0 || size < bytes || fit == free_.end()) return nullptr;
  const auto block = blocks_.find(fit->second);
  removeFree(block);
  if (const size_t rest = block->second.size - size) {
    block->second.size = size;
    insertFree(blocks_.emplace(block->first + size, Block{rest, false, block->second.freed}).first);
  }
  block->second.used = true;
  live_ += size;
  if (live_ > peak_) peak_ = live_;
  if (const size_t fresh = coldPages(block->first, size)) {
    const size_t limit = (peak_ + kSlack) / kPage;
    if (resident_pages_ + fresh > limit) giveBackUntil(limit > fresh ? limit - fresh : 0);
    touch(block->first, size);
  }
  giveBackStale();
  return block->first;
}

void Arena::free(void* pointer) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto block = blocks_.find(static_cast<char*>(pointer));
  live_ -= block->second.size;
  block->second.used = false;
  block->second.freed = Clock::now();
  const auto next = std::next(block);
  if (next != blocks_.end() && !next->second.used) {
    removeFree(next);
    block->second.size += next->second.size;
    blocks_.erase(next);
  }
  if (block != blocks_.begin()) {
    const auto before = std::prev(block);
    if (!before->second.used) {
      removeFree(before);
      before->second.size += block->second.size;
      before->second.freed = block->second.freed;
      blocks_.erase(block);
      block = before;
    }
  }
  insertFree(block);
  giveBackStale();
}

void Arena::trim() {
  const std::lock_guard<std::mutex> lock(mutex_);
  giveBackUntil(0);
}

Arena::Usage Arena::usage() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {live_, peak_, resident_pages_ * kPage};
}

void Arena::insertFree(Blocks::iterator block) {
  free_.insert({block->second.size, block->first});
  by_age_.insert({block->second.freed, block->first});
}

void Arena::removeFree(Blocks::iterator block) {
  free_.erase({block->second.size, block->first});
  by_age_.erase({block->second.freed, block->first});
}

size_t Arena::coldPages(const char* start, size_t size) const {
  size_t count = 0;
  for (size_t page = (start - base_) / kPage; page * kPage < static_cast<size_t>(start - base_) + size; ++page) count += !resident_[page];
  return count;
}

void Arena::touch(const char* start, size_t size) {
  for (size_t page = (start - base_) / kPage; page * kPage < static_cast<size_t>(start - base_) + size; ++page) {
    resident_pages_ += !resident_[page];
    resident_[page] = true;
  }
}

/** Gives back the whole pages inside a free block. */
void Arena::giveBack(Blocks::iterator block) {
  size_t count = 0;
#ifdef __linux__
  const size_t first = roundUp(block->first - base_, kPage) / kPage, end = (block->first - base_ + block->second.size) / kPage;
  for (size_t page = first; page < end;) {
    if (!resident_[page]) {
      ++page;
      continue;
    }
    size_t last = page;
    while (last < end && resident_[last]) resident_[last++] = false;
    madvise(base_ + page * kPage, (last - page) * kPage, MADV_DONTNEED);
    count += last - page;
    page = last;
  }
#endif
  resident_pages_ -= count;
}

/** Oldest first, until at most `resident` pages are. */
void Arena::giveBackUntil(size_t resident) {
  for (auto oldest = by_age_.begin(); resident_pages_ > resident && oldest != by_age_.end();) {
    giveBack(blocks_.find(oldest->second));
    oldest = by_age_.erase(oldest);
  }
}

void Arena::giveBackStale() {
  const auto now = Clock::now();
  while (!by_age_.empty() && now - by_age_.begin()->first > kStale) {
    giveBack(blocks_.find(by_age_.begin()->second));
    by_age_.erase(by_age_.begin());
  }
}

}  // namespace adsam
