// The core of the bridge: operator name, overload, arguments → the c10 dispatcher, boxed.
#include <ATen/ThreadLocalState.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <dlfcn.h>

#include "addon.h"
#include "compute-thread.h"
#include "convert.h"

namespace adsam {

namespace {

std::string fullName(const std::string& name, const std::string& overload) { return overload.empty() ? name : name + "." + overload; }

std::string signature(const c10::FunctionSchema& schema) {
  std::ostringstream text;
  text << schema;
  return text.str();
}

/// "T" a tensor, "L" a list of tensors, "V" a plain value, "=2" the tensor given as argument 2 (in-place and out overloads).
std::string returnCode(const c10::FunctionSchema& schema, const c10::Argument& result) {
  if (result.alias_info() && result.alias_info()->isWrite()) {
    const auto& arguments = schema.arguments();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const auto* alias = arguments[i].alias_info();
      if (alias && alias->isWrite() && alias->beforeSets() == result.alias_info()->beforeSets()) return "=" + std::to_string(i);
    }
  }
  if (result.type()->kind() == c10::TypeKind::TensorType) return "T";
  if (auto list = result.type()->cast<c10::ListType>())
    if (list->getElementType()->kind() == c10::TypeKind::TensorType) return "L";
  if (auto optional = result.type()->cast<c10::OptionalType>())
    if (optional->getElementType()->kind() == c10::TypeKind::TensorType) return "T";
  return "V";
}

/// prepare(name, overload) → { index, returns, schema }; throws when libtorch does not know the operator.
Napi::Value prepare(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  const std::string name = info[0].As<Napi::String>().Utf8Value();
  const std::string overload = info[1].As<Napi::String>().Utf8Value();
  const auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!handle) throw Napi::Error::New(info.Env(), "libtorch has no operator " + fullName(name, overload));
  const auto& schema = handle->schema();
  Napi::Object result = Napi::Object::New(info.Env());
  Napi::Array returns = Napi::Array::New(info.Env());
  for (uint32_t i = 0; i < schema.returns().size(); ++i) returns.Set(i, returnCode(schema, schema.returns()[i]));
  Napi::Array args = Napi::Array::New(info.Env());
  for (uint32_t i = 0; i < schema.arguments().size(); ++i) args.Set(i, schema.arguments()[i].name());
  result.Set("returns", returns);
  result.Set("args", args);
  result.Set("schema", signature(schema));
  result.Set("index", context.addOperator({*handle, fullName(name, overload)}));
  return result;
}

/// Arguments in schema order; `undefined` stands for the schema's default.
torch::jit::Stack toStack(Context& context, const Operator& op, const Napi::Array& given) {
  const auto& arguments = op.handle.schema().arguments();
  const uint32_t length = given.Length();
  if (length > arguments.size())
    throw Napi::TypeError::New(context.env, op.name + ": found " + std::to_string(length) + " arguments, expected at most " +
                                                std::to_string(arguments.size()) + ": " + signature(op.handle.schema()));
  torch::jit::Stack stack;
  stack.reserve(arguments.size());
  for (uint32_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    const Napi::Value value = i < length ? given.Get(i) : context.env.Undefined();
    if (value.IsUndefined() && argument.default_value()) {
      stack.push_back(*argument.default_value());
      continue;
    }
    try {
      stack.push_back(toIValue(context, value, argument.type(), argument.N()));
    } catch (const Napi::Error& error) {
      throw Napi::TypeError::New(context.env, op.name + ": argument `" + argument.name() + "`: " + error.Message());
    }
  }
  return stack;
}

std::string shapes(const torch::jit::Stack& stack, const c10::FunctionSchema& schema) {
  std::string text;
  for (size_t i = 0; i < stack.size() && i < schema.arguments().size(); ++i)
    if (stack[i].isTensor() && stack[i].toTensor().defined())
      text += (text.empty() ? "" : ", ") + schema.arguments()[i].name() + " " + describe(stack[i].toTensor());
  return text;
}

void run(const Operator& op, torch::jit::Stack& stack) {
  op.handle.callBoxed(stack);
}

Napi::Error callError(Context& context, const Operator& op, const std::string& arguments, const std::exception& error) {
  Napi::Error js = toJsError(context.env, error, op.name);
  if (arguments.empty()) return js;
  return Napi::Error::New(context.env, js.Message() + " (" + arguments + ")");
}

Napi::Value results(Context& context, const Operator& op, torch::jit::Stack& stack) {
  const auto& returns = op.handle.schema().returns();
  auto isAlias = [&](size_t i) { return returns[i].alias_info() && returns[i].alias_info()->isWrite(); };
  if (stack.size() == 1) return isAlias(0) ? context.env.Undefined() : toJs(context, stack[0]);
  Napi::Array array = Napi::Array::New(context.env, stack.size());
  for (uint32_t i = 0; i < stack.size(); ++i) array.Set(i, isAlias(i) ? context.env.Undefined() : toJs(context, stack[i]));
  return array;
}

/// call(index, args) → one result, or an array of several.
Napi::Value call(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  context.mailbox->run();
  const Operator& op = context.op(info[0].As<Napi::Number>().Uint32Value());
  torch::jit::Stack stack = toStack(context, op, info[1].As<Napi::Array>());
  torch::jit::Stack kept = stack;  // the call consumes its arguments; an error wants to name their shapes
  try {
    run(op, stack);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw callError(context, op, shapes(kept, op.handle.schema()), error);
  }
  return results(context, op, stack);
}

/// callAsync(index, args) → Promise of what `call` returns, computed off the event loop under the caller's grad mode and autocast.
Napi::Value callAsync(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  context.mailbox->run();
  struct Job {
    Job(Napi::Env env, const Operator& op) : op(op), deferred(Napi::Promise::Deferred::New(env)) {}
    Operator op;
    torch::jit::Stack stack;
    at::ThreadLocalState state;
    Napi::Promise::Deferred deferred;
    std::exception_ptr error;
    std::string arguments;
  };
  const Operator& op = context.op(info[0].As<Napi::Number>().Uint32Value());
  auto job = std::make_shared<Job>(info.Env(), op);
  job->stack = toStack(context, op, info[1].As<Napi::Array>());
  job->arguments = shapes(job->stack, op.handle.schema());
  context.mailbox->expect();
  const Napi::Value promise = job->deferred.Promise();
  const auto settle = [job, &context] {
    try {
      if (job->error) std::rethrow_exception(job->error);
      job->deferred.Resolve(results(context, job->op, job->stack));
    } catch (const std::exception& error) {
      job->deferred.Reject(callError(context, job->op, job->arguments, error).Value());
    }
  };
  ComputeThread::instance().post(context.mailbox.get(), [job, settle, mailbox = context.mailbox] {
    try {
      at::ThreadLocalStateGuard guard(job->state);
      run(job->op, job->stack);
    } catch (...) {
      job->error = std::current_exception();
    }
    mailbox->deliver(settle);
  });
  return promise;
}

/// schema(name) → every overload's schema as text.
Napi::Value schemas(const Napi::CallbackInfo& info) {
  const std::string wanted = info[0].As<Napi::String>().Utf8Value();
  Napi::Array result = Napi::Array::New(info.Env());
  for (const auto& name : c10::Dispatcher::singleton().getAllOpNames()) {
    if (name.name != wanted) continue;
    const auto handle = c10::Dispatcher::singleton().findSchema(name);
    if (handle) result.Set(result.Length(), signature(handle->schema()));
  }
  return result;
}

Napi::Value operators(const Napi::CallbackInfo& info) {
  Napi::Array result = Napi::Array::New(info.Env());
  for (const auto& name : c10::Dispatcher::singleton().getAllOpNames())
    if (c10::Dispatcher::singleton().findSchema(name)) result.Set(result.Length(), fullName(name.name, name.overload_name));
  return result;
}

/// Loads a shared library whose static initialisers register operators, as torch.ops.load_library does. Locally: in the global scope
/// its dependencies (Debian's libtorch brings GLib by way of OpenCV) would take the place of what other addons carry inside, as sharp its GLib.
Napi::Value loadLibrary(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  if (!dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) throw Napi::Error::New(info.Env(), std::string("cannot load ") + path + ": " + dlerror());
  return info.Env().Undefined();
}

}  // namespace

void exportDispatch(Napi::Object exports) {
  put<prepare>(exports, "prepare");
  put<call>(exports, "call");
  put<callAsync>(exports, "callAsync");
  put<schemas>(exports, "schemas");
  put<operators>(exports, "operators");
  put<loadLibrary>(exports, "loadLibrary");
}

}  // namespace adsam
