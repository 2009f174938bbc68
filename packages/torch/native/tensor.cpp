// What a tensor is made of: shape, dtype, device, bytes in and out.
#include <ATen/Functions.h>

#include "addon.h"
#include "convert.h"

namespace adsam {
namespace {

Napi::Array ints(Napi::Env env, at::IntArrayRef values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) array.Set(i, Napi::Number::New(env, static_cast<double>(values[i])));
  return array;
}

Napi::Value sizes(const Napi::CallbackInfo& info) { return ints(info.Env(), Context::of(info.Env()).get(info[0]).sizes()); }
Napi::Value strides(const Napi::CallbackInfo& info) { return ints(info.Env(), Context::of(info.Env()).get(info[0]).strides()); }

Napi::Value dtype(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), dtypeName(Context::of(info.Env()).get(info[0]).scalar_type()));
}

Napi::Value device(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), Context::of(info.Env()).get(info[0]).device().str());
}

Napi::Value storageOffset(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(Context::of(info.Env()).get(info[0]).storage_offset()));
}

/// { key, bytes } of the storage: two tensors with one key share memory.
Napi::Value storage(const Napi::CallbackInfo& info) {
  const at::Tensor& tensor = Context::of(info.Env()).get(info[0]);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("key", std::to_string(reinterpret_cast<uintptr_t>(tensor.storage().unsafeGetStorageImpl())));
  result.Set("bytes", static_cast<double>(tensor.storage().nbytes()));
  return result;
}

Napi::Value release(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  context.release(info[0].As<Napi::Number>().DoubleValue());
  return info.Env().Undefined();
}

Napi::Value leaveToCollector(const Napi::CallbackInfo& info) {
  Context::of(info.Env()).leaveToCollector(info[0].As<Napi::Number>().DoubleValue());
  return info.Env().Undefined();
}

/// A second, independent handle on the same tensor.
Napi::Value alias(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  return Napi::Number::New(info.Env(), context.add(context.get(info[0])));
}

Napi::Value isSame(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  return Napi::Boolean::New(info.Env(), context.get(info[0]).is_same(context.get(info[1])));
}

struct Bytes {
  void* data;
  size_t length;
};

Bytes bytesOf(const Napi::Value& value) {
  if (value.IsTypedArray()) {
    const auto array = value.As<Napi::TypedArray>();
    return {static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength()};
  }
  if (value.IsArrayBuffer()) return {value.As<Napi::ArrayBuffer>().Data(), value.As<Napi::ArrayBuffer>().ByteLength()};
  throw Napi::TypeError::New(value.Env(), "expected a typed array or an ArrayBuffer");
}

void checkLength(Napi::Env env, const Bytes& bytes, const std::vector<int64_t>& shape, at::ScalarType dtype) {
  const auto needed = static_cast<size_t>(c10::multiply_integers(shape)) * c10::elementSize(dtype);
  if (bytes.length != needed)
    throw Napi::RangeError::New(env, "found " + std::to_string(bytes.length) + " bytes, expected " + std::to_string(needed) + " for this shape and dtype");
}

/// fromBytes(bytes, dtype, shape): a copy.
Napi::Value fromBytes(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  context.mailbox->run();
  const Bytes bytes = bytesOf(info[0]);
  const auto type = toDtype(info.Env(), info[1]);
  const auto shape = toInts(info.Env(), info[2]);
  checkLength(info.Env(), bytes, shape, type);
  at::Tensor tensor = at::empty(shape, at::TensorOptions(type));
  if (bytes.length > 0) std::memcpy(tensor.data_ptr(), bytes.data, bytes.length);
  return Napi::Number::New(info.Env(), context.add(std::move(tensor)));
}

/// share(bytes, dtype, shape): the tensor lives in the typed array's memory, which it keeps alive.
Napi::Value share(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  context.mailbox->run();
  const Bytes bytes = bytesOf(info[0]);
  const auto type = toDtype(info.Env(), info[1]);
  const auto shape = toInts(info.Env(), info[2]);
  checkLength(info.Env(), bytes, shape, type);
  if (reinterpret_cast<uintptr_t>(bytes.data) % c10::elementSize(type) != 0)
    throw Napi::RangeError::New(info.Env(), "the bytes are not aligned to their dtype");
  auto* reference = new Napi::ObjectReference(Napi::Persistent(info[0].As<Napi::Object>()));
  at::Tensor tensor = at::from_blob(
      bytes.data, shape,
      [reference, mailbox = context.mailbox](void*) {
        // The last view may die on a thread that must not touch JavaScript, or after the environment.
        mailbox->dispose([reference] { delete reference; });
      },
      at::TensorOptions(type));
  return Napi::Number::New(info.Env(), context.add(std::move(tensor)));
}

const at::Tensor& plain(Context& context, const Napi::Value& value) {
  const at::Tensor& tensor = context.get(value);
  if (!tensor.is_cpu() || !tensor.is_contiguous()) throw Napi::Error::New(context.env, "only a contiguous tensor on the CPU shows its bytes");
  return tensor;
}

/// bytes(tensor): an ArrayBuffer over the tensor's own memory, which it keeps alive.
Napi::Value bytes(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  const at::Tensor& tensor = plain(context, info[0]);
  if (tensor.nbytes() == 0) return Napi::ArrayBuffer::New(info.Env(), 0);
  auto* holder = new at::Tensor(tensor.detach());
  return Napi::ArrayBuffer::New(info.Env(), holder->data_ptr(), holder->nbytes(), [](Napi::Env, void*, at::Tensor* held) { delete held; }, holder);
}

/// copyBytes(tensor, target)
Napi::Value copyBytes(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  const at::Tensor& tensor = plain(context, info[0]);
  const Bytes target = bytesOf(info[1]);
  if (target.length != tensor.nbytes()) throw Napi::RangeError::New(info.Env(), "the target has another length than the tensor");
  if (target.length > 0) std::memcpy(target.data, tensor.data_ptr(), target.length);
  return info.Env().Undefined();
}

/// The first element as a number; int64 beyond 2^53 as a BigInt.
Napi::Value item(const Napi::CallbackInfo& info) {
  const c10::Scalar scalar = Context::of(info.Env()).get(info[0]).item();
  if (scalar.isBoolean()) return Napi::Boolean::New(info.Env(), scalar.toBool());
  if (scalar.isIntegral(false)) {
    const int64_t value = scalar.toLong();
    if (value > 9007199254740991LL || value < -9007199254740991LL) return Napi::BigInt::New(info.Env(), value);
    return Napi::Number::New(info.Env(), static_cast<double>(value));
  }
  return Napi::Number::New(info.Env(), scalar.toDouble());
}

/// Makes the first tensor stand on the second's data, as `param.data = x` does.
Napi::Value setData(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  at::Tensor tensor = context.get(info[0]);
  tensor.set_data(context.get(info[1]));
  return info.Env().Undefined();
}

}  // namespace

void exportTensor(Napi::Object exports) {
  put<sizes>(exports, "sizes");
  put<strides>(exports, "strides");
  put<dtype>(exports, "dtype");
  put<device>(exports, "device");
  put<storageOffset>(exports, "storageOffset");
  put<storage>(exports, "storage");
  put<release>(exports, "release");
  put<leaveToCollector>(exports, "leaveToCollector");
  put<alias>(exports, "alias");
  put<isSame>(exports, "isSame");
  put<fromBytes>(exports, "fromBytes");
  put<share>(exports, "share");
  put<bytes>(exports, "bytes");
  put<copyBytes>(exports, "copyBytes");
  put<item>(exports, "item");
  put<setData>(exports, "setData");
}

}  // namespace adsam
