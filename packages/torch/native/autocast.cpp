// Automatic mixed precision: thread-local switches of libtorch, by device type.
#include <ATen/autocast_mode.h>
#include <torch/version.h>

#include "addon.h"
#include "convert.h"

namespace adsam {
namespace {

/// autocast(deviceType, enabled, dtype)
Napi::Value autocast(const Napi::CallbackInfo& info) {
  const std::string device = info[0].As<Napi::String>().Utf8Value();
  const bool enabled = info[1].As<Napi::Boolean>().Value();
  const at::ScalarType dtype = toDtype(info.Env(), info[2]);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
  const c10::DeviceType type = c10::Device(device).type();
  at::autocast::set_autocast_enabled(type, enabled);
  at::autocast::set_autocast_dtype(type, dtype);
#else
  if (device == "cuda") {
    at::autocast::set_enabled(enabled);
    at::autocast::set_autocast_gpu_dtype(dtype);
  } else {
    at::autocast::set_cpu_enabled(enabled);
    at::autocast::set_autocast_cpu_dtype(dtype);
  }
#endif
  return info.Env().Undefined();
}

/// Weights cast once are remembered until the outermost autocast region ends.
Napi::Value clearAutocastCache(const Napi::CallbackInfo& info) {
  at::autocast::clear_cache();
  return info.Env().Undefined();
}

}  // namespace

void exportAutocast(Napi::Object exports) {
  put<autocast>(exports, "autocast");
  put<clearAutocastCache>(exports, "clearAutocastCache");
}

}  // namespace adsam
