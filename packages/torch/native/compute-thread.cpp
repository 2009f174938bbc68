#include "compute-thread.h"

#include <algorithm>
#include <cstdlib>
#include <thread>

namespace adsam {

ComputeThread& ComputeThread::instance() {
  static auto* thread = new ComputeThread();  // never destroyed: its thread lives as long as the process
  return *thread;
}

ComputeThread::ComputeThread() {
  std::thread([this] { loop(); }).detach();
  // process.exit runs no clean-up of the environment, only exit's handlers, the last registered first: ours before libtorch's, which was
  // loaded earlier and takes its operators apart there, under the hands of a job that runs one.
  std::atexit([] { instance().stop(); });
}

void ComputeThread::stop() {
  std::unique_lock<std::mutex> lock(mutex_);
  stopped_ = true;
  // What the jobs hold may belong to JavaScript, which is not there any more: left to the end of the process.
  new std::deque<Job>(std::move(jobs_));
  jobs_.clear();
  finished_.wait(lock, [this] { return running_ == nullptr; });
}

void ComputeThread::loop() {
  for (;;) {
    Job job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return !jobs_.empty(); });
      job = std::move(jobs_.front());
      jobs_.pop_front();
      running_ = job.owner;
    }
    job.run();
    job.run = nullptr;  // what it holds goes before its owner is told that it is done
    {
      std::lock_guard<std::mutex> lock(mutex_);
      running_ = nullptr;
    }
    finished_.notify_all();
  }
}

void ComputeThread::post(const void* owner, std::function<void()> job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopped_) return;
    jobs_.push_back({owner, std::move(job)});
  }
  wake_.notify_one();
}

void ComputeThread::cancel(const void* owner) {
  std::deque<Job> dropped;
  std::unique_lock<std::mutex> lock(mutex_);
  const auto others = std::stable_partition(jobs_.begin(), jobs_.end(), [owner](const Job& job) { return job.owner != owner; });
  dropped.insert(dropped.end(), std::make_move_iterator(others), std::make_move_iterator(jobs_.end()));
  jobs_.erase(others, jobs_.end());
  finished_.wait(lock, [this, owner] { return running_ != owner; });
}

}  // namespace adsam
