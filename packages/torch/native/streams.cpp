// Work queued on a device: moments in it that can be waited for, and a second queue beside the first. Through c10's interface to devices, so
// that nothing of CUDA is needed to build it.
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <chrono>
#include <memory>
#include <thread>
#include <unordered_map>

#include "addon.h"
#include "context.h"

namespace adsam {
namespace {

/// "cuda" or "cuda:1", the current device where no index is named.
c10::Device deviceNamed(const Napi::Value& value) {
  const c10::Device device(value.As<Napi::String>().Utf8Value());
  if (device.has_index()) return device;
  return c10::impl::VirtualGuardImpl(device.type()).getDevice();
}

c10::Event& eventOf(const Napi::Value& value) { return *value.As<Napi::External<c10::Event>>().Data(); }

/// recordEvent(device): the moment when all that its current stream holds by now is done.
Napi::Value recordEvent(const Napi::CallbackInfo& info) {
  const c10::Device device = deviceNamed(info[0]);
  auto event = std::make_unique<c10::Event>(device.type());
  event->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  return Napi::External<c10::Event>::New(info.Env(), event.release(), [](Napi::Env, c10::Event* held) { delete held; });
}

/// eventDone(event)
Napi::Value eventDone(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), eventOf(info[0]).query()); }

/// awaitEvent(event): until it is done; asleep, as c10 1.13 has no wait of its own.
Napi::Value awaitEvent(const Napi::CallbackInfo& info) {
  const c10::Event& event = eventOf(info[0]);
  while (!event.query()) std::this_thread::sleep_for(std::chrono::microseconds(50));
  return info.Env().Undefined();
}

/// holdForEvent(event, device): what is queued on the current stream from now on begins after the event.
Napi::Value holdForEvent(const Napi::CallbackInfo& info) {
  const c10::Device device = deviceNamed(info[1]);
  eventOf(info[0]).block(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  return info.Env().Undefined();
}

/// One second stream a device, for transfers. Those of c10's pool live as long as the process.
c10::Stream sideStream(const c10::Device& device) {
  static thread_local std::unordered_map<c10::Device, c10::Stream> streams;
  const auto found = streams.find(device);
  if (found != streams.end()) return found->second;
  return streams.emplace(device, c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device)).first->second;
}

/// onSideStream(device, body): calls body() with the device's second stream as the current one.
Napi::Value onSideStream(const Napi::CallbackInfo& info) {
  const c10::Device device = deviceNamed(info[0]);
  const c10::impl::VirtualGuardImpl impl(device.type());
  const c10::Stream before = impl.exchangeStream(sideStream(device));
  Napi::Value result;
  try {
    result = info[1].As<Napi::Function>().Call({});
  } catch (...) {
    impl.exchangeStream(before);
    throw;
  }
  impl.exchangeStream(before);
  return result;
}

/// useOnStream(tensor): it was made on another stream; its memory is not given away before the current one is done with it.
Napi::Value useOnStream(const Napi::CallbackInfo& info) {
  const at::Tensor& tensor = Context::of(info.Env()).get(info[0]);
  const c10::impl::VirtualGuardImpl impl(tensor.device().type());
  impl.recordDataPtrOnStream(tensor.storage().data_ptr(), impl.getStream(tensor.device()));
  return info.Env().Undefined();
}

}  // namespace

void exportStreams(Napi::Object exports) {
  put<recordEvent>(exports, "recordEvent");
  put<eventDone>(exports, "eventDone");
  put<awaitEvent>(exports, "awaitEvent");
  put<holdForEvent>(exports, "holdForEvent");
  put<onSideStream>(exports, "onSideStream");
  put<useOnStream>(exports, "useOnStream");
}

}  // namespace adsam
