#include "context.h"

#include <c10/util/Exception.h>

#include "compute-thread.h"

namespace adsam {

namespace {
constexpr uint32_t kSlotBits = 24;
constexpr double kSlots = 1u << kSlotBits;
}  // namespace

Context::Context(Napi::Env env) : mailbox(std::make_shared<Mailbox>(env)), env(env) {
  mailbox->onClose = [owner = mailbox.get()] { ComputeThread::instance().cancel(owner); };
}

/// Closed before the tensors go, so that none of them touches a JavaScript that is ending.
Context::~Context() { mailbox->close(); }

Context& Context::of(Napi::Env env) { return *env.GetInstanceData<Context>(); }

double Context::add(at::Tensor tensor) {
  uint32_t index;
  if (free_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    if (index >= kSlots) throw std::runtime_error("more than 16 million live tensors: something is not being freed");
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[index];
  // A view shares its storage with a handle that already accounts for it.
  if (!tensor.is_meta() && tensor.has_storage() && tensor.storage().use_count() == 1) slot.bytes = static_cast<int64_t>(tensor.storage().nbytes());
  slot.tensor = std::move(tensor);
  ++live_;
  liveBytes_ += slot.bytes;
  return static_cast<double>(slot.generation) * kSlots + index;
}

const at::Tensor& Context::get(double id) {
  const auto generation = static_cast<uint64_t>(id / kSlots);
  const auto index = static_cast<uint64_t>(id - static_cast<double>(generation) * kSlots);
  if (!(id > 0) || index >= slots_.size() || slots_[index].generation != generation)
    throw Napi::Error::New(env, "this tensor was disposed: it was freed by dispose(), by the end of `using`, or by the scope it was made in. "
                                "Return it from the scope, or keep() it, to use it later");
  return slots_[index].tensor;
}

const at::Tensor& Context::get(const Napi::Value& value) {
  if (value.IsNumber()) return get(value.As<Napi::Number>().DoubleValue());
  if (!value.IsObject()) throw Napi::TypeError::New(env, "found " + value.ToString().Utf8Value() + ", expected a Tensor");
  const Napi::Value id = value.As<Napi::Object>().Get("id");
  if (!id.IsNumber()) throw Napi::TypeError::New(env, "found another object, expected a Tensor");
  return get(id.As<Napi::Number>().DoubleValue());
}

void Context::release(double id) {
  get(id);
  const auto index = static_cast<uint32_t>(static_cast<uint64_t>(id) & ((1u << kSlotBits) - 1));
  Slot& slot = slots_[index];
  const int64_t bytes = slot.bytes;
  const bool weighs = slot.weighs;
  slot.tensor = at::Tensor();
  slot.bytes = 0;
  slot.weighs = false;
  slot.generation = slot.generation >= (1u << 28) ? 1 : slot.generation + 1;
  free_.push_back(index);
  --live_;
  liveBytes_ -= bytes;
  if (weighs && bytes > 0) Napi::MemoryManagement::AdjustExternalMemory(env, -bytes);
}

void Context::leaveToCollector(double id) {
  get(id);
  Slot& slot = slots_[static_cast<uint64_t>(id) & ((1u << kSlotBits) - 1)];
  if (slot.weighs) return;
  slot.weighs = true;
  if (slot.bytes > 0) Napi::MemoryManagement::AdjustExternalMemory(env, slot.bytes);
}

uint32_t Context::addOperator(Operator op) {
  const auto found = operatorIndex_.find(op.name);
  if (found != operatorIndex_.end()) return found->second;
  const auto index = static_cast<uint32_t>(operators_.size());
  operatorIndex_.emplace(op.name, index);
  operators_.push_back(std::move(op));
  return index;
}

Napi::Error toJsError(Napi::Env env, const std::exception& error, const std::string& where) {
  std::string text;
  if (const auto* torchError = dynamic_cast<const c10::Error*>(&error)) {
    text = torchError->what_without_backtrace();
  } else {
    text = error.what();
  }
  // Backtraces of other exception types ride behind the first blank or "Exception raised from" line; where a back end is missing the first
  // sentence says so, and the list of all that are there follows.
  for (const char* mark : {"\nException raised from", "\n\n", " This could be because the operator doesn't exist for this backend"}) {
    const auto at = text.find(mark);
    if (at != std::string::npos) text.resize(at);
  }
  return Napi::Error::New(env, where.empty() ? text : where + ": " + text);
}

}  // namespace adsam
