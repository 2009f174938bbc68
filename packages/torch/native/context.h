// What one JavaScript environment (the main thread or a worker) holds: its tensors by id, its operators, references to release.
#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <napi.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "mailbox.h"

namespace adsam {

/// An operator looked up once; `returns` says per result: 'T' tensor, 'L' list of tensors, 'V' plain value, or the index of the argument it is.
struct Operator {
  c10::OperatorHandle handle;
  std::string name;
};

class Context {
 public:
  explicit Context(Napi::Env env);
  ~Context();

  static Context& of(Napi::Env env);

  /// Takes ownership of one reference to `tensor`; the id is never used twice.
  double add(at::Tensor tensor);
  /// The tensor behind a JavaScript `Tensor` object or a bare id; throws a named error after `dispose`.
  const at::Tensor& get(const Napi::Value& value);
  const at::Tensor& get(double id);
  void release(double id);
  /// No scope will free it: its bytes weigh on JavaScript's collector from now on. Those of a scope do not, or each step of a
  /// training would set off a collection.
  void leaveToCollector(double id);
  size_t live() const { return live_; }
  int64_t liveBytes() const { return liveBytes_; }

  uint32_t addOperator(Operator op);
  const Operator& op(uint32_t index) const { return operators_.at(index); }

  /// Where other threads leave what only JavaScript's thread may do.
  const std::shared_ptr<Mailbox> mailbox;

  Napi::Env env;

 private:
  struct Slot {
    at::Tensor tensor;
    uint32_t generation = 1;
    int64_t bytes = 0;
    bool weighs = false;
  };
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  size_t live_ = 0;
  int64_t liveBytes_ = 0;
  std::vector<Operator> operators_;
  std::unordered_map<std::string, uint32_t> operatorIndex_;
};

/// The one exception barrier: every exported function runs inside it, so that no C++ exception reaches Node.
Napi::Error toJsError(Napi::Env env, const std::exception& error, const std::string& where);

template <Napi::Value (*F)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return F(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw toJsError(info.Env(), error, "");
  } catch (...) {
    throw Napi::Error::New(info.Env(), "libtorch threw something that is not an exception");
  }
}

template <Napi::Value (*F)(const Napi::CallbackInfo&)>
void put(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<F>>(exports.Env(), name));
}

}  // namespace adsam
