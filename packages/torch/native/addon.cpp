// adsam_torch.node: everything the bridge exports. Loads once an environment, on the main thread and in workers.
#include "addon.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include "context.h"

namespace adsam {
namespace {

Napi::Value buildInfo(const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("version", TORCH_VERSION);
  result.Set("cuda", at::hasCUDA());
  result.Set("threads", at::get_num_threads());
  result.Set("config", at::show_config());
  result.Set("parallel", at::get_parallel_info());
  return result;
}

Napi::Value numThreads(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), at::get_num_threads()); }

Napi::Value setNumThreads(const Napi::CallbackInfo& info) {
  at::set_num_threads(info[0].As<Napi::Number>().Int32Value());
  return info.Env().Undefined();
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Context(env));
  exportAllocator(exports);
  exportAutocast(exports);
  exportAutograd(exports);
  exportDispatch(exports);
  exportGenerator(exports);
  exportMemory(exports);
  exportTensor(exports);
  put<buildInfo>(exports, "buildInfo");
  put<numThreads>(exports, "numThreads");
  put<setNumThreads>(exports, "setNumThreads");
  return exports;
}

}  // namespace
}  // namespace adsam

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return adsam::init(env, exports); }
NODE_API_MODULE(adsam_torch, Init)
