// Seeded random numbers whose state can be saved and restored.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/core/Generator.h>

#include "addon.h"
#include "convert.h"

namespace adsam {
namespace {

Napi::Value wrap(Napi::Env env, at::Generator generator) {
  return Napi::External<at::Generator>::New(env, new at::Generator(std::move(generator)), [](Napi::Env, at::Generator* held) { delete held; });
}

at::Generator& unwrap(const Napi::Value& value) { return *value.As<Napi::External<at::Generator>>().Data(); }

uint64_t seedOf(const Napi::Value& value) {
  bool lossless = true;
  return value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
}

/// generator(seed): a new one on the CPU.
Napi::Value generator(const Napi::CallbackInfo& info) { return wrap(info.Env(), at::detail::createCPUGenerator(seedOf(info[0]))); }

/// defaultGenerator(device): the one operators use when none is given.
Napi::Value defaultGenerator(const Napi::CallbackInfo& info) {
  const c10::Device device(info[0].As<Napi::String>().Utf8Value());
  return wrap(info.Env(), at::globalContext().defaultGenerator(device));
}

Napi::Value generatorSeed(const Napi::CallbackInfo& info) {
  at::Generator& generator = unwrap(info[0]);
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(seedOf(info[1]));
  return info.Env().Undefined();
}

Napi::Value generatorState(const Napi::CallbackInfo& info) {
  at::Generator& generator = unwrap(info[0]);
  std::lock_guard<std::mutex> lock(generator.mutex());
  return Napi::Number::New(info.Env(), Context::of(info.Env()).add(generator.get_state()));
}

Napi::Value generatorSetState(const Napi::CallbackInfo& info) {
  at::Generator& generator = unwrap(info[0]);
  std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_state(Context::of(info.Env()).get(info[1]));
  return info.Env().Undefined();
}

}  // namespace

void exportGenerator(Napi::Object exports) {
  put<generator>(exports, "generator");
  put<defaultGenerator>(exports, "defaultGenerator");
  put<generatorSeed>(exports, "generatorSeed");
  put<generatorState>(exports, "generatorState");
  put<generatorSetState>(exports, "generatorSetState");
}

}  // namespace adsam
