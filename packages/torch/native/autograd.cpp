// Reverse-mode differentiation: libtorch's own engine, and functions whose backward is written in TypeScript.
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "addon.h"
#include "convert.h"

namespace adsam {
namespace {

using torch::autograd::Variable;
using torch::autograd::variable_list;

variable_list toVariables(Context& context, const Napi::Value& value) {
  variable_list tensors;
  if (value.IsUndefined() || value.IsNull()) return tensors;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value element = array.Get(i);
    tensors.push_back(element.IsUndefined() || element.IsNull() ? at::Tensor() : context.get(element));
  }
  return tensors;
}

Napi::Value toIds(Context& context, const variable_list& tensors) {
  Napi::Array ids = Napi::Array::New(context.env, tensors.size());
  for (uint32_t i = 0; i < tensors.size(); ++i)
    ids.Set(i, tensors[i].defined() ? Napi::Number::New(context.env, context.add(tensors[i])).As<Napi::Value>() : context.env.Undefined());
  return ids;
}

Napi::Value requiresGrad(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), Context::of(info.Env()).get(info[0]).requires_grad());
}

Napi::Value setRequiresGrad(const Napi::CallbackInfo& info) {
  const at::Tensor& tensor = Context::of(info.Env()).get(info[0]);
  const bool wanted = info[1].As<Napi::Boolean>().Value();
  if (!wanted && !tensor.is_leaf())
    throw Napi::Error::New(info.Env(), "requiresGrad can only be turned off for leaves, and this is the result of an operator. Use detach()");
  tensor.set_requires_grad(wanted);
  return info.Env().Undefined();
}

Napi::Value isLeaf(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), Context::of(info.Env()).get(info[0]).is_leaf()); }

Napi::Value gradOf(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  const at::Tensor& gradient = context.get(info[0]).grad();
  if (!gradient.defined()) return info.Env().Undefined();
  return Napi::Number::New(info.Env(), context.add(gradient));
}

Napi::Value setGrad(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  at::Tensor tensor = context.get(info[0]);
  if (info[1].IsUndefined()) {
    tensor.mutable_grad() = at::Tensor();
    return info.Env().Undefined();
  }
  const at::Tensor& gradient = context.get(info[1]);
  if (!gradient.sizes().equals(tensor.sizes()) || gradient.dtype() != tensor.dtype() || gradient.device() != tensor.device())
    throw Napi::TypeError::New(info.Env(), "grad: found " + describe(gradient) + ", expected " + describe(tensor) + " like the tensor");
  tensor.mutable_grad() = gradient;
  return info.Env().Undefined();
}

/// Frees every gradient in one call, without a handle for each.
Napi::Value clearGrads(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  for (at::Tensor& tensor : toVariables(context, info[0])) tensor.mutable_grad() = at::Tensor();
  return info.Env().Undefined();
}

Napi::Value setGradMode(const Napi::CallbackInfo& info) {
  const bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(info[0].As<Napi::Boolean>().Value());
  return Napi::Boolean::New(info.Env(), before);
}

/// backward(roots, cotangents, retainGraph, createGraph)
Napi::Value backward(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  context.mailbox->run();
  torch::autograd::backward(toVariables(context, info[0]), toVariables(context, info[1]), info[2].As<Napi::Boolean>().Value(),
                            info[3].As<Napi::Boolean>().Value());
  return info.Env().Undefined();
}

/// grad(outputs, inputs, cotangents, retainGraph, createGraph, allowUnused) → ids or undefined, one an input
Napi::Value grad(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  context.mailbox->run();
  const variable_list gradients =
      torch::autograd::grad(toVariables(context, info[0]), toVariables(context, info[1]), toVariables(context, info[2]),
                            info[3].As<Napi::Boolean>().Value(), info[4].As<Napi::Boolean>().Value(), info[5].As<Napi::Boolean>().Value());
  return toIds(context, gradients);
}

/// A node of the graph whose backward is a JavaScript function of (cotangent ids, saved ids) → gradient ids.
class JsNode final : public torch::autograd::Node {
 public:
  JsNode(Context& context, const std::string& name, Napi::Function backward, variable_list saved, size_t inputs)
      : context_(context), mailbox_(context.mailbox), name_(name), backward_(new Napi::FunctionReference(Napi::Persistent(backward))), saved_(std::move(saved)), inputs_(inputs) {}

  ~JsNode() override {
    mailbox_->dispose([reference = backward_] { delete reference; });
  }

  std::string name() const override { return name_; }
  void release_variables() override {
    saved_.clear();
    released_ = true;
  }

  variable_list apply(variable_list&& cotangents) override {
    if (!mailbox_->onJsThread())
      throw std::runtime_error(name_ + ": a function written in TypeScript can only run backward on the thread that made it, found one of autograd's own");
    if (released_)
      throw std::runtime_error(name_ + ": backward ran through this graph a second time, after it was freed. Pass retainGraph to the first");
    const Napi::Env env = context_.env;
    Napi::HandleScope scope(env);
    const bool gradMode = c10::GradMode::is_enabled();
    const Napi::Value result = backward_->Call({toIds(context_, cotangents), toIds(context_, saved_), Napi::Boolean::New(env, gradMode)});
    c10::GradMode::set_enabled(gradMode);
    variable_list gradients = toVariables(context_, result);
    if (gradients.size() != inputs_)
      throw std::runtime_error(name_ + ": backward gave " + std::to_string(gradients.size()) + " gradients, expected " + std::to_string(inputs_) + ", one an input");
    return gradients;
  }

 private:
  Context& context_;
  std::shared_ptr<Mailbox> mailbox_;  // a graph may outlive its environment
  std::string name_;
  Napi::FunctionReference* backward_;
  variable_list saved_;
  size_t inputs_;
  bool released_ = false;
};

/// How a libtorch holds the nodes of a graph: std::shared_ptr at first, c10::intrusive_ptr in the newest.
using NodePtr = decltype(torch::autograd::Edge::function);

template <typename Ptr, typename... Args>
Ptr makeNode(Args&&... args) {
  if constexpr (std::is_same_v<Ptr, std::shared_ptr<torch::autograd::Node>>) {
    // deleteNode takes long graphs apart in a loop, where destructors would recurse.
    return Ptr(new JsNode(std::forward<Args>(args)...), [](auto* node) { deleteNode(node); });
  } else {
    return c10::make_intrusive<JsNode>(std::forward<Args>(args)...);
  }
}

/// attach(name, inputs, outputs, saved, backward): makes `backward` the history of `outputs`, computed from `inputs` without a graph.
Napi::Value attach(const Napi::CallbackInfo& info) {
  Context& context = Context::of(info.Env());
  const variable_list inputs = toVariables(context, info[1]);
  variable_list outputs = toVariables(context, info[2]);
  const NodePtr node = makeNode<NodePtr>(context, info[0].As<Napi::String>().Utf8Value(), info[4].As<Napi::Function>(),
                                         toVariables(context, info[3]), inputs.size());
  node->set_next_edges(torch::autograd::collect_next_edges(inputs));
  torch::autograd::set_history(outputs, node);
  return info.Env().Undefined();
}

}  // namespace

void exportAutograd(Napi::Object exports) {
  put<requiresGrad>(exports, "requiresGrad");
  put<setRequiresGrad>(exports, "setRequiresGrad");
  put<isLeaf>(exports, "isLeaf");
  put<gradOf>(exports, "gradOf");
  put<setGrad>(exports, "setGrad");
  put<clearGrads>(exports, "clearGrads");
  put<setGradMode>(exports, "setGradMode");
  put<backward>(exports, "backward");
  put<grad>(exports, "grad");
  put<attach>(exports, "attach");
}

}  // namespace adsam
