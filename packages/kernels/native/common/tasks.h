#pragma once

#include <ATen/Parallel.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>

namespace adsam {

/** Memory for kernels that read whole cache lines: uninitialised, 64-byte aligned. */
class AlignedBytes {
 public:
  explicit AlignedBytes(int64_t count)
      : bytes_(std::aligned_alloc(64, static_cast<size_t>((count + 64 + 63) / 64 * 64)), std::free) {
    if (!bytes_) throw std::bad_alloc();
  }
  char* data() const { return static_cast<char*>(bytes_.get()); }

 private:
  std::unique_ptr<void, void (*)(void*)> bytes_;
};

/** Calls work(task, scratch) for each task in [0, count), whichever thread is free; `scratch` is a thread's own. */
template <class Work>
void run_tasks(int64_t count, int64_t scratch_bytes, const Work& work) {
  std::atomic<int64_t> next{0};
  const int64_t threads = std::min<int64_t>(count, at::get_num_threads());
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
    int64_t task = next++;
    if (task >= count) return;
    const AlignedBytes scratch(scratch_bytes);
    for (; task < count; task = next++) work(task, scratch.data());
  });
}

}  // namespace adsam
