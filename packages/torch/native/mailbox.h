// What other threads leave for one JavaScript environment. It outlives the environment: what comes too late is dropped.
#pragma once
#include <napi.h>

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace adsam {

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  explicit Mailbox(napi_env env) : env_(env), thread_(std::this_thread::get_id()) {}

  bool onJsThread() const { return std::this_thread::get_id() == thread_; }

  /// Frees a reference to something in JavaScript: now, or at the next call into the addon when another thread asks. Once the
  /// environment is gone it has freed the reference itself, and `task` is dropped.
  void dispose(std::function<void()> task);

  /// JavaScript's thread: one more `deliver` will come, and the event loop must live to see it.
  void expect();

  /// Any thread, once for each `expect`: runs `task` on JavaScript's thread and wakes its event loop.
  void deliver(std::function<void()> task);

  /// JavaScript's thread: runs what has arrived.
  void run();

  /// JavaScript's thread, when the environment ends.
  void close();

  /// Called by `close`: where the owner takes back what other threads still do for this environment.
  std::function<void()> onClose;

 private:
  void open();
  napi_env env_;
  std::thread::id thread_;
  std::mutex mutex_;
  bool closed_ = false;
  size_t expected_ = 0;
  napi_threadsafe_function wake_ = nullptr;
  std::vector<std::function<void()>> disposals_;
  std::vector<std::function<void()>> deliveries_;
};

}  // namespace adsam
