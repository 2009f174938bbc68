// Memory: what is alive, files mapped into tensors.
#include <ATen/Functions.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "addon.h"
#include "convert.h"

namespace adsam {
namespace {

Napi::Value liveTensors(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  context.mailbox->run();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("count", static_cast<double>(context.live()));
  result.Set("bytes", static_cast<double>(context.liveBytes()));
  return result;
}

/// mapFile(path): uint8 [size] over a private mapping: pages are read when touched, and writing to the tensor never reaches the file.
Napi::Value mapFile(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  const auto fail = [&](const char* what) { throw Napi::Error::New(info.Env(), std::string(what) + " " + path + ": " + std::strerror(errno)); };
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("cannot open");
  struct stat status {};
  if (fstat(file, &status) != 0) {
    close(file);
    fail("cannot stat");
  }
  const auto length = static_cast<size_t>(status.st_size);
  if (length == 0) {
    close(file);
    return Napi::Number::New(info.Env(), context.add(at::empty({0}, at::kByte)));
  }
  void* data = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
  close(file);
  if (data == MAP_FAILED) fail("cannot map");
  at::Tensor tensor = at::from_blob(data, {static_cast<int64_t>(length)}, [length](void* mapped) { munmap(mapped, length); }, at::kByte);
  return Napi::Number::New(info.Env(), context.add(std::move(tensor)));
}

}  // namespace

void exportMemory(Napi::Object exports) {
  put<liveTensors>(exports, "liveTensors");
  put<mapFile>(exports, "mapFile");
}

}  // namespace adsam
