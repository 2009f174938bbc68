// One thread runs what is sent off the event loop: two heavy operators at once are slower than one after the other.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace adsam {

class ComputeThread {
 public:
  static ComputeThread& instance();

  /// Queues a job on behalf of `owner`.
  void post(const void* owner, std::function<void()> job);

  /// Drops what `owner` has queued, and waits for the job of its that is running.
  void cancel(const void* owner);

 private:
  struct Job {
    const void* owner;
    std::function<void()> run;
  };
  ComputeThread();
  void loop();
  /// When the process ends: drops everything that is queued, and waits for the job that is running.
  void stop();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable finished_;
  std::deque<Job> jobs_;
  const void* running_ = nullptr;
  bool stopped_ = false;
};

}  // namespace adsam
