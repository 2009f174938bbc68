#include "mailbox.h"

namespace adsam {

void Mailbox::dispose(std::function<void()> task) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return;
    if (!onJsThread()) {
      disposals_.push_back(std::move(task));
      return;
    }
  }
  task();
}

/// Node runs cleanup hooks last come, first served. The function's own hook would leave other threads with a dangling pointer, so ours, which
/// stops them from calling it, is registered after it.
void Mailbox::open() {
  napi_value name;
  napi_create_string_utf8(env_, "adsam_torch", NAPI_AUTO_LENGTH, &name);
  const auto arrived = [](napi_env env, napi_value, void* context, void*) {
    if (env) static_cast<Mailbox*>(context)->run();
  };
  if (napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, arrived, &wake_) != napi_ok)
    throw Napi::Error::New(env_, "cannot open a channel between threads: the environment is ending");
  napi_unref_threadsafe_function(env_, wake_);
  auto* self = new std::shared_ptr<Mailbox>(shared_from_this());
  napi_add_env_cleanup_hook(
      env_,
      [](void* held) {
        auto* mailbox = static_cast<std::shared_ptr<Mailbox>*>(held);
        (*mailbox)->close();
        delete mailbox;
      },
      self);
}

void Mailbox::expect() {
  if (!wake_) open();
  if (expected_++ == 0) napi_ref_threadsafe_function(env_, wake_);
}

void Mailbox::deliver(std::function<void()> task) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return;
  deliveries_.push_back(std::move(task));
  napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

void Mailbox::run() {
  std::vector<std::function<void()>> disposals, deliveries;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_ || (disposals_.empty() && deliveries_.empty())) return;
    disposals.swap(disposals_);
    deliveries.swap(deliveries_);
  }
  for (auto& task : disposals) task();
  if (deliveries.empty()) return;
  Napi::HandleScope scope(env_);
  for (auto& task : deliveries) {
    try {
      task();
    } catch (const std::exception&) {
      // Even the promise could not be settled: the environment is being terminated.
    }
  }
  expected_ -= deliveries.size();
  if (expected_ == 0) napi_unref_threadsafe_function(env_, wake_);
}

void Mailbox::close() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return;
    closed_ = true;
  }
  if (onClose) onClose();
  disposals_.clear();
  deliveries_.clear();
}

}  // namespace adsam
