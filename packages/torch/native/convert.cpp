#include "convert.h"

#include <ATen/ScalarOps.h>
#include <ATen/core/List.h>

#include <cmath>
#include <sstream>

namespace adsam {

namespace {

const std::pair<const char*, at::ScalarType> kDtypes[] = {
    {"float32", at::kFloat},   {"float64", at::kDouble}, {"float16", at::kHalf},          {"bfloat16", at::kBFloat16},
    {"int64", at::kLong},      {"int32", at::kInt},      {"int16", at::kShort},           {"int8", at::kChar},
    {"uint8", at::kByte},      {"bool", at::kBool},      {"complex64", at::kComplexFloat}, {"complex128", at::kComplexDouble}};

[[noreturn]] void wrong(Napi::Env env, const Napi::Value& value, const c10::TypePtr& type) {
  std::string found = value.IsUndefined() ? "undefined" : value.IsNull() ? "null" : value.ToString().Utf8Value();
  if (value.IsArray()) found = "[" + found + "]";
  if (value.IsString()) found = "\"" + found + "\"";
  throw Napi::TypeError::New(env, "found " + found + ", expected " + type->annotation_str());
}

bool isInteger(double number) { return std::nearbyint(number) == number && std::abs(number) <= 9007199254740992.0; }

c10::Scalar toScalar(Napi::Env env, const Napi::Value& value, const c10::TypePtr& type) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (isInteger(number)) return c10::Scalar(static_cast<int64_t>(number));
    return c10::Scalar(number);
  }
  if (value.IsBoolean()) return c10::Scalar(value.As<Napi::Boolean>().Value());
  if (value.IsBigInt()) {
    bool lossless = true;
    return c10::Scalar(value.As<Napi::BigInt>().Int64Value(&lossless));
  }
  wrong(env, value, type);
}

int64_t toInt(Napi::Env env, const Napi::Value& value, const c10::TypePtr& type) {
  if (value.IsNumber()) {
    const double number = value.As<Napi::Number>().DoubleValue();
    if (isInteger(number)) return static_cast<int64_t>(number);
  }
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value() ? 1 : 0;
  if (value.IsBigInt()) {
    bool lossless = true;
    return value.As<Napi::BigInt>().Int64Value(&lossless);
  }
  if (value.IsString()) {  // dtypes, layouts and memory formats are ints in a schema
    const std::string name = value.As<Napi::String>().Utf8Value();
    for (const auto& entry : kDtypes)
      if (name == entry.first) return static_cast<int64_t>(entry.second);
    if (name == "strided") return static_cast<int64_t>(at::kStrided);
    if (name == "sparse") return static_cast<int64_t>(at::kSparse);
    if (name == "contiguous") return static_cast<int64_t>(at::MemoryFormat::Contiguous);
    if (name == "preserve") return static_cast<int64_t>(at::MemoryFormat::Preserve);
    if (name == "channels_last") return static_cast<int64_t>(at::MemoryFormat::ChannelsLast);
    throw Napi::TypeError::New(env, "found \"" + name + "\", expected a number or the name of a dtype, layout or memory format");
  }
  wrong(env, value, type);
}

at::Tensor toTensor(Context& context, const Napi::Value& value, const c10::TypePtr& type) {
  if (value.IsNumber() || value.IsBoolean() || value.IsBigInt()) {
    // As in Python, a bare number joins type promotion as the weaker side.
    at::Tensor tensor = c10::scalar_to_tensor(toScalar(context.env, value, type));
    tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
    return tensor;
  }
  return context.get(value);
}

template <typename T, typename F>
c10::IValue toList(const Napi::Value& value, c10::optional<int32_t> n, const c10::TypePtr& type, Napi::Env env, F&& element) {
  c10::List<T> list;
  if (value.IsArray()) {
    const auto array = value.As<Napi::Array>();
    const uint32_t length = array.Length();
    list.reserve(length);
    for (uint32_t i = 0; i < length; ++i) list.push_back(element(array.Get(i)));
  } else if (n.has_value() && !value.IsObject()) {
    for (int32_t i = 0; i < *n; ++i) list.push_back(element(value));
  } else {
    wrong(env, value, type);
  }
  return list;
}

}  // namespace

c10::IValue toIValue(Context& context, const Napi::Value& value, const c10::TypePtr& type, c10::optional<int32_t> n) {
  const Napi::Env env = context.env;
  switch (type->kind()) {
    case c10::TypeKind::TensorType:
      return toTensor(context, value, type);
    case c10::TypeKind::OptionalType:
      if (value.IsUndefined() || value.IsNull()) return c10::IValue();
      return toIValue(context, value, type->castRaw<c10::OptionalType>()->getElementType(), n);
    case c10::TypeKind::NumberType:
      return toScalar(env, value, type);
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::ScalarTypeType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::MemoryFormatType:
      return toInt(env, value, type);
    case c10::TypeKind::FloatType:
      if (!value.IsNumber()) wrong(env, value, type);
      return value.As<Napi::Number>().DoubleValue();
    case c10::TypeKind::BoolType:
      if (!value.IsBoolean()) wrong(env, value, type);
      return value.As<Napi::Boolean>().Value();
    case c10::TypeKind::StringType:
      if (!value.IsString()) wrong(env, value, type);
      return value.As<Napi::String>().Utf8Value();
    case c10::TypeKind::DeviceObjType:
      if (!value.IsString()) wrong(env, value, type);
      return c10::Device(value.As<Napi::String>().Utf8Value());
    case c10::TypeKind::GeneratorType: {
      if (!value.IsObject()) wrong(env, value, type);
      const Napi::Value handle = value.As<Napi::Object>().Get("native");
      if (!handle.IsExternal()) wrong(env, value, type);
      return *handle.As<Napi::External<at::Generator>>().Data();
    }
    case c10::TypeKind::ListType: {
      const c10::TypePtr element = type->castRaw<c10::ListType>()->getElementType();
      switch (element->kind()) {
        case c10::TypeKind::IntType:
        case c10::TypeKind::SymIntType:
          return toList<int64_t>(value, n, type, env, [&](const Napi::Value& v) { return toInt(env, v, element); });
        case c10::TypeKind::FloatType:
          return toList<double>(value, n, type, env, [&](const Napi::Value& v) {
            if (!v.IsNumber()) wrong(env, v, element);
            return v.As<Napi::Number>().DoubleValue();
          });
        case c10::TypeKind::BoolType:
          return toList<bool>(value, n, type, env, [&](const Napi::Value& v) {
            if (!v.IsBoolean()) wrong(env, v, element);
            return v.As<Napi::Boolean>().Value();
          });
        case c10::TypeKind::TensorType:
          return toList<at::Tensor>(value, n, type, env, [&](const Napi::Value& v) { return toTensor(context, v, element); });
        case c10::TypeKind::StringType:
          return toList<std::string>(value, n, type, env, [&](const Napi::Value& v) {
            if (!v.IsString()) wrong(env, v, element);
            return v.As<Napi::String>().Utf8Value();
          });
        default: {
          if (!value.IsArray()) wrong(env, value, type);
          const auto array = value.As<Napi::Array>();
          c10::impl::GenericList list(element);
          for (uint32_t i = 0; i < array.Length(); ++i) list.push_back(toIValue(context, array.Get(i), element, c10::nullopt));
          return list;
        }
      }
    }
    default:
      throw Napi::TypeError::New(env, "arguments of type " + type->annotation_str() + " cannot come from JavaScript");
  }
}

Napi::Value toJs(Context& context, const c10::IValue& value) {
  const Napi::Env env = context.env;
  if (value.isTensor()) {
    at::Tensor tensor = value.toTensor();
    if (!tensor.defined()) return env.Undefined();
    return Napi::Number::New(env, context.add(std::move(tensor)));
  }
  if (value.isNone()) return env.Undefined();
  if (value.isInt()) return Napi::Number::New(env, static_cast<double>(value.toInt()));
  if (value.isDouble()) return Napi::Number::New(env, value.toDouble());
  if (value.isBool()) return Napi::Boolean::New(env, value.toBool());
  if (value.isString()) return Napi::String::New(env, value.toStringRef());
  if (value.isDevice()) return Napi::String::New(env, value.toDevice().str());
  if (value.isScalar()) {
    const c10::Scalar scalar = value.toScalar();
    return Napi::Number::New(env, scalar.toDouble());
  }
  if (value.isList()) {
    const auto list = value.toListRef();
    Napi::Array array = Napi::Array::New(env, list.size());
    for (uint32_t i = 0; i < list.size(); ++i) array.Set(i, toJs(context, list[i]));
    return array;
  }
  if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    Napi::Array array = Napi::Array::New(env, elements.size());
    for (uint32_t i = 0; i < elements.size(); ++i) array.Set(i, toJs(context, elements[i]));
    return array;
  }
  throw Napi::TypeError::New(env, "results of type " + value.tagKind() + " cannot be shown to JavaScript");
}

at::ScalarType toDtype(Napi::Env env, const Napi::Value& value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  for (const auto& entry : kDtypes)
    if (name == entry.first) return entry.second;
  throw Napi::TypeError::New(env, "unknown dtype \"" + name + "\"");
}

const char* dtypeName(at::ScalarType dtype) {
  for (const auto& entry : kDtypes)
    if (dtype == entry.second) return entry.first;
  return c10::toString(dtype);
}

std::string describe(const at::Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  std::ostringstream text;
  text << "[";
  for (int64_t i = 0; i < tensor.dim(); ++i) text << (i ? ", " : "") << tensor.size(i);
  text << "] " << dtypeName(tensor.scalar_type());
  if (!tensor.is_cpu()) text << " " << tensor.device().str();
  return text.str();
}

std::vector<int64_t> toInts(Napi::Env env, const Napi::Value& value) {
  if (!value.IsArray()) throw Napi::TypeError::New(env, "expected a list of integers");
  const auto array = value.As<Napi::Array>();
  std::vector<int64_t> ints(array.Length());
  for (uint32_t i = 0; i < ints.size(); ++i) ints[i] = array.Get(i).ToNumber().Int64Value();
  return ints;
}

}  // namespace adsam
