#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <mutex>
#include <optional>
#include <utility>

namespace adsam {

/**
 * One of this library's operators, called by way of the dispatcher, as its autograd and autocast kernels call what stands below them.
 * Looked up at the first call: the schemas are not registered yet when globals are made.
 * @tparam Signature of its kernels, such as decltype(conv3x3_cpu)
 */
template <class Signature>
class OwnOperator;

template <class Result, class... Arguments>
class OwnOperator<Result(Arguments...)> {
 public:
  explicit OwnOperator(const char* name) : name_(name) {}

  Result call(Arguments... arguments) const {
    std::call_once(looked_up_, [this] {
      handle_.emplace(c10::Dispatcher::singleton().findSchemaOrThrow(name_, "").typed<Result(Arguments...)>());
    });
    return handle_->call(std::forward<Arguments>(arguments)...);
  }

 private:
  const char* name_;
  mutable std::once_flag looked_up_;
  mutable std::optional<c10::TypedOperatorHandle<Result(Arguments...)>> handle_;
};

}  // namespace adsam
