#include "test/emulated/gpu.h"

#include <c10/util/Exception.h>
#include <ucontext.h>

#include <memory>

namespace adsam {
namespace emulated {

Indices indices;

namespace {

constexpr size_t kStack = 64 << 10;
constexpr unsigned kLanes = 32;

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack{new char[kStack]};
  bool done = false;
};

/** Threads that wait until all of them are there. */
struct Meeting {
  unsigned size = 0, here = 0, held = 0;
};

struct Block {
  std::vector<Fiber> fibers;
  std::vector<Meeting> warps;
  std::vector<uint64_t> brought;  // by every thread, to a shuffle
  Meeting all;
  ucontext_t scheduler;
  unsigned running = 0;
  bool moved = false;
  const std::function<void()>* body = nullptr;
  std::string failure;
};

Block* current = nullptr;

void yield() { swapcontext(&current->fibers[current->running].context, &current->scheduler); }

void meet(Meeting& meeting) {
  current->moved = true;
  if (++meeting.here == meeting.size) {
    meeting.here = 0;
    ++meeting.held;
    return;
  }
  for (const unsigned held = meeting.held; meeting.held == held;) yield();
  current->moved = true;
}

void run_fiber() {
  (*current->body)();
  current->fibers[current->running].done = true;
  current->moved = true;
  yield();
}

/** Turns for everyone until all are done. */
void run_block(Block& block) {
  const auto threads = static_cast<unsigned>(block.fibers.size());
  for (unsigned t = 0; t < threads; ++t) {
    Fiber& fiber = block.fibers[t];
    fiber.done = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStack;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, run_fiber, 0);
  }
  for (unsigned left = threads; left > 0;) {
    block.moved = false;
    left = 0;
    for (unsigned t = 0; t < threads; ++t) {
      if (block.fibers[t].done) continue;
      block.running = t;
      indices.thread = dim3(t);
      swapcontext(&block.scheduler, &block.fibers[t].context);
      if (!block.fibers[t].done) ++left;
    }
    TORCH_CHECK(block.moved || left == 0, "threads of a block wait for others that have gone past the barrier or ended");
  }
}

}  // namespace

void run_grid(dim3 grid, unsigned threads, const std::function<void()>& body) {
  TORCH_CHECK(threads > 0 && threads <= 1024 && grid.y <= 65535 && grid.z <= 65535, "no such launch: block of ", threads,
              ", grid of ", grid.x, ", ", grid.y, ", ", grid.z);
  Block block;
  block.fibers.resize(threads);
  block.brought.resize(threads);
  block.body = &body;
  current = &block;
  indices.block_size = dim3(threads), indices.grid_size = grid;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        indices.block = dim3(x, y, z);
        block.all = {threads, 0, 0};
        block.warps.clear();
        for (unsigned first = 0; first < threads; first += kLanes)
          block.warps.push_back({std::min(kLanes, threads - first), 0, 0});
        run_block(block);
        TORCH_CHECK(block.failure.empty(), "check on the device failed: ", block.failure);
      }
  current = nullptr;
}

void wait_for_block() { meet(current->all); }

uint64_t exchange(uint64_t bits, unsigned apart) {
  const unsigned own = current->running, other = own ^ apart;
  Meeting& warp = current->warps[own / kLanes];
  current->brought[own] = bits;
  meet(warp);
  if (other / kLanes != own / kLanes || other >= current->fibers.size()) fail("a shuffle with a thread of another warp");
  const uint64_t result = current->brought[other];
  meet(warp);
  return result;
}

void fail(const char* what) {
  if (current->failure.empty()) current->failure = what;
}

}  // namespace emulated
}  // namespace adsam
