#include "common/check.h"
#include "group_norm/group_norm.h"

namespace adsam {
namespace {

constexpr const char* kOp = "group_norm";

void check_parameter(const char* name, const Optional<Tensor>& parameter, const Tensor& input) {
  if (!parameter.has_value() || !parameter->defined()) return;
  check_floating(kOp, name, *parameter);
  check_same_device(kOp, name, *parameter, "input", input);
  check_shape(kOp, name, "[C]", *parameter, {input.size(1)}, "One number for each channel of the input.");
}

}  // namespace

void check_group_norm(const Tensor& input, int64_t groups, const Optional<Tensor>& weight,
                      const Optional<Tensor>& bias) {
  check_rank(kOp, "input", "[B, C, H, W]", input, 4);
  check_floating(kOp, "input", input);
  ADSAM_CHECK(groups > 0 && input.size(1) % groups == 0, c10::str(kOp, " groups"), groups,
              c10::str("a divisor of ", input.size(1), " channels"), "Correct it.");
  check_parameter("weight", weight, input);
  check_parameter("bias", bias, input);
}

Tensor group_norm_composite(const Tensor& input, int64_t groups, const Optional<Tensor>& weight,
                            const Optional<Tensor>& bias, double eps, bool gelu) {
  check_group_norm(input, groups, weight, bias);
  const auto type = compute_type(input);
  const auto parameter = [&](const Optional<Tensor>& tensor) {
    return tensor.has_value() && tensor->defined() ? tensor->to(type) : Tensor();
  };
  const Tensor normalised = at::group_norm(input.to(type), groups, parameter(weight), parameter(bias), eps);
  return (gelu ? at::gelu(normalised) : normalised).to(input.scalar_type()).contiguous(input.suggest_memory_format());
}

}  // namespace adsam
