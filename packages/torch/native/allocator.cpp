// libtorch's memory on the CPU: large tensors out of an arena that keeps its pages, small ones as libtorch has them.
#include "arena.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "addon.h"
#include "context.h"

namespace adsam {
namespace {

// Below, malloc keeps its pages itself.
constexpr size_t kLeast = size_t{512} << 10;

// Never destroyed: tensors may outlive static objects.
Arena& arena() {
  // Twice the memory in addresses: room enough for what is cut badly.
  static Arena* const one = new Arena(2 * static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  return *one;
}

void release(void* data) {
  if (arena().owns(data))
    arena().free(data);
  else
    c10::free_cpu(data);
}

class ArenaAllocator final : public c10::Allocator {
 public:
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
  c10::DataPtr allocate(size_t bytes) override { return get(bytes); }
  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }
#else
  c10::DataPtr allocate(size_t bytes) const override { return get(bytes); }
#endif
  // oneDNN's scratchpads come through raw_allocate.
  c10::DeleterFnPtr raw_deleter() const override { return &release; }

 private:
  static c10::DataPtr get(size_t bytes) {
    void* data = bytes < kLeast ? nullptr : arena().allocate(bytes);
    if (!data) data = c10::alloc_cpu(bytes);
    return {data, data, &release, c10::Device(c10::DeviceType::CPU)};
  }
};

Napi::Value memoryUsage(const Napi::CallbackInfo& info) {
  const Arena::Usage usage = arena().usage();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("live", static_cast<double>(usage.live));
  result.Set("peak", static_cast<double>(usage.peak));
  result.Set("resident", static_cast<double>(usage.resident));
  return result;
}

Napi::Value emptyCache(const Napi::CallbackInfo& info) {
  arena().trim();
  return info.Env().Undefined();
}

}  // namespace

void exportAllocator(Napi::Object exports) {
  // `system`: every tensor straight from malloc, where AddressSanitizer and valgrind see it.
  static const bool installed = [] {
    const char* chosen = std::getenv("ADSAM_ALLOCATOR");
    if (chosen && std::strcmp(chosen, "system") == 0) return false;
    c10::SetCPUAllocator(new ArenaAllocator, 1);
    return true;
  }();
  (void)installed;
  put<memoryUsage>(exports, "memoryUsage");
  put<emptyCache>(exports, "emptyCache");
}

}  // namespace adsam
