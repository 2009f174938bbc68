// JavaScript values ↔ c10 IValues, led by the operator's schema.
#pragma once
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "context.h"

namespace adsam {

/// `n` is the schema's fixed list length (`int[2]`), so that one number can stand for all.
c10::IValue toIValue(Context& context, const Napi::Value& value, const c10::TypePtr& type, c10::optional<int32_t> n);

/// Tensors become ids (an undefined tensor `undefined`), lists arrays, None `undefined`.
Napi::Value toJs(Context& context, const c10::IValue& value);

/// "float32", "int64", … both ways.
at::ScalarType toDtype(Napi::Env env, const Napi::Value& name);
const char* dtypeName(at::ScalarType dtype);

/// "[2, 3, 8, 8] float32"
std::string describe(const at::Tensor& tensor);

std::vector<int64_t> toInts(Napi::Env env, const Napi::Value& value);

}  // namespace adsam
