#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <map>
#include <memory>
#include <mutex>

#include "common/check.h"

/**
 * CUDA graphs by number: what is launched between begin and end is recorded instead of run, and replayed by one call. Memory
 * that operators take meanwhile belongs to the graph until it is freed, so results lie in the same place at every replay.
 * And what a program may want to know of a GPU.
 */
namespace adsam {
namespace {

class Recording {
 public:
  /** Begins on a stream of its own, after all that the device has to do: recording is rare, so it may wait. */
  Recording() : stream_(c10::cuda::getStreamFromPool()), before_(c10::cuda::getCurrentCUDAStream()) {
    c10::cuda::device_synchronize();
    c10::cuda::setCurrentCUDAStream(stream_);
    try {
      graph_.capture_begin();
      recording_ = true;
    } catch (...) {
      c10::cuda::setCurrentCUDAStream(before_);
      throw;
    }
  }

  ~Recording() {
    try {
      end();
    } catch (...) {  // of a recording that failed: CUDA tells again what was told when it did
    }
  }

  void end() {
    if (!recording_) return;
    recording_ = false;
    c10::cuda::setCurrentCUDAStream(before_);
    const c10::cuda::CUDAStreamGuard on_its_stream(stream_);
    graph_.capture_end();
  }

  void replay() { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
  c10::cuda::CUDAStream stream_, before_;
  bool recording_ = false;
};

/** All there are. Never destroyed: at the end of the process CUDA may be gone before them. */
struct Recordings {
  std::mutex mutex;
  std::map<int64_t, std::shared_ptr<Recording>> by_number;
  int64_t next = 1;
};

Recordings& recordings() {
  static auto* all = new Recordings();
  return *all;
}

std::shared_ptr<Recording> find(int64_t number) {
  auto& all = recordings();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.by_number.find(number);
  ADSAM_CHECK(found != all.by_number.end(), "CUDA graph", number, "one that was recorded and not freed", "Record it again.");
  return found->second;
}

int64_t begin() {
  auto recording = std::make_shared<Recording>();
  auto& all = recordings();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.by_number.emplace(all.next, std::move(recording));
  return all.next++;
}

void end(int64_t number) { find(number)->end(); }

void replay(int64_t number) { find(number)->replay(); }

void free_graph(int64_t number) {
  const auto last = find(number);
  auto& all = recordings();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.by_number.erase(number);
}

/** Compute capability of the current device times ten: 90 for 9.0. */
int64_t capability() {
  const int device = c10::cuda::current_device();
  int major = 0, minor = 0;
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
  return 10 * major + minor;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(adsam, m) {
  m.def("_cuda_graph_begin() -> int", begin);
  m.def("_cuda_graph_end(int graph) -> ()", end);
  m.def("_cuda_graph_replay(int graph) -> ()", replay);
  m.def("_cuda_graph_free(int graph) -> ()", free_graph);
  m.def("_cuda_capability() -> int", capability);
}

}  // namespace adsam
