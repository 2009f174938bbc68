#include "common/check.h"
#include "common/tasks.h"
#include "panels/kernels.h"
#include "token_linear/token_linear.h"

namespace adsam {
namespace {

bool is_low(const Tensor& tensor) { return tensor.scalar_type() == at::kBFloat16; }

/** Dense float32 or bfloat16, as the kernels read it. */
Tensor readable(const char* op, const char* name, const Tensor& tensor) {
  ADSAM_CHECK(is_low(tensor) || tensor.scalar_type() == at::kFloat, c10::str(op, " ", name),
              c10::str("dtype ", tensor.scalar_type()), "float32 or bfloat16", "Use plain linear layers for other types.");
  return tensor.contiguous();
}

/** A row of numbers added or multiplied, as float32; undefined stays so. */
Tensor row_of(const char* op, const char* name, const Optional<Tensor>& tensor, int64_t width) {
  if (!tensor.has_value()) return {};
  check_shape(op, name, "numbers", *tensor, {width}, "It has one number for each feature.");
  return dense(*tensor, at::kFloat);
}

const float* pointer(const Tensor& tensor) { return tensor.defined() ? tensor.data_ptr<float>() : nullptr; }

/** The tokens of a call, [..., width] read as rows, and their normalisation. */
struct Input {
  Tensor x, norm_weight, norm_bias;
  double eps;

  Input(const char* op, const Tensor& given, const Optional<Tensor>& norm_weight, const Optional<Tensor>& norm_bias,
        double eps)
      : x(readable(op, "x", given)), eps(eps) {
    ADSAM_CHECK(x.dim() >= 1 && x.numel() > 0, c10::str(op, " x"), c10::str("shape ", x.sizes()), "[..., features], not empty",
                "Give it at least one token.");
    this->norm_weight = row_of(op, "norm_weight", norm_weight, width());
    this->norm_bias = row_of(op, "norm_bias", norm_bias, width());
    ADSAM_CHECK(this->norm_weight.defined() == this->norm_bias.defined(), c10::str(op, " norm"), "one of weight and bias",
                "both or neither", "An affine layer norm has both.");
    if (this->norm_weight.defined()) x = x.to(at::kFloat);
  }

  int64_t width() const { return x.size(-1); }
  int64_t tokens() const { return x.numel() / width(); }
  TokenRows rows() const { return {x.data_ptr(), is_low(x), width()}; }
  TokenNorm norm() const { return {pointer(norm_weight), pointer(norm_bias), static_cast<float>(eps)}; }

  /** The result's shape: x's, with other features. */
  std::vector<int64_t> shape(int64_t features) const {
    std::vector<int64_t> sizes = x.sizes().vec();
    sizes.back() = features;
    return sizes;
  }
};

void check_weight(const char* op, const char* name, const Tensor& weight, int64_t width) {
  check_rank(op, name, "[out, in]", weight, 2);
  ADSAM_CHECK(weight.size(1) == width, c10::str(op, " ", name), c10::str("shape ", weight.sizes()),
              c10::str("[out, ", width, "]"), "Its rows are as long as what they multiply.");
}

Tensor residual_of(const char* op, const Optional<Tensor>& residual, const std::vector<int64_t>& shape) {
  if (!residual.has_value()) return {};
  return dense(residual->expand(shape), at::kFloat);
}

/** A weight packed anew for this call: against thousands of tokens that is a hundredth of the work, and nothing can go stale. */
AlignedBytes packed(const Tensor& weight, int64_t bytes, int64_t panels,
                    void (*pack)(const WeightRows&, int64_t, void*)) {
  AlignedBytes memory(bytes);
  const WeightRows rows{weight.data_ptr(), is_low(weight), weight.size(0), weight.size(1)};
  run_tasks(panels, 0, [&](int64_t panel, char*) { pack(rows, panel, memory.data()); });
  return memory;
}

/** Calls work(begin, end, scratch) on runs of tokens: `most` at once, or fewer where that leaves a thread idle. */
template <class Work>
void over_tokens(int64_t tokens, int64_t most, int64_t step, int64_t scratch_bytes, const Work& work) {
  int64_t run = most;
  while (run > step && (tokens + run - 1) / run < 4 * at::get_num_threads()) run -= step;
  run_tasks((tokens + run - 1) / run, scratch_bytes, [&](int64_t task, char* scratch) {
    work(task * run, std::min(tokens, (task + 1) * run), scratch);
  });
}

}  // namespace

Tensor token_linear_cpu(const Tensor& x, const Tensor& weight, const Optional<Tensor>& bias,
                        const Optional<Tensor>& norm_weight, const Optional<Tensor>& norm_bias, double eps,
                        const Optional<Tensor>& residual, bool low) {
  constexpr auto op = "token_linear";
  const Input input(op, x, norm_weight, norm_bias, eps);
  check_weight(op, "weight", weight, input.width());
  const Tensor matrix = readable(op, "weight", weight);
  const int64_t width = weight.size(0);
  const auto& f = low ? panel_kernels().tokens.low : panel_kernels().tokens.single;
  const Tensor bias_row = row_of(op, "bias", bias, width), added = residual_of(op, residual, input.shape(width));
  const bool out_low = low && !added.defined();
  Tensor out = at::empty(input.shape(width), x.options().dtype(out_low ? at::kBFloat16 : at::kFloat));

  const auto panels = packed(matrix, f.columns_bytes(width, input.width()), f.column_panels(width), f.pack_columns);
  const LinearProblem problem{input.rows(), input.norm(), panels.data(),  width,
                              pointer(bias_row), pointer(added), out.data_ptr(), out_low};
  over_tokens(input.tokens(), f.linear_tokens(input.width()), f.row_step, f.linear_scratch(input.width()),
              [&](int64_t begin, int64_t end, char* scratch) { f.linear(problem, begin, end, scratch); });
  return out;
}

Tensor token_mlp_cpu(const Tensor& x, const Optional<Tensor>& norm_weight, const Optional<Tensor>& norm_bias, double eps,
                     const Tensor& weight1, const Optional<Tensor>& bias1, const Tensor& weight2,
                     const Optional<Tensor>& bias2, const Optional<Tensor>& residual, bool low) {
  constexpr auto op = "token_mlp";
  const Input input(op, x, norm_weight, norm_bias, eps);
  check_weight(op, "weight1", weight1, input.width());
  const int64_t hidden = weight1.size(0), width = weight2.size(0);
  check_weight(op, "weight2", weight2, hidden);
  const Tensor matrix1 = readable(op, "weight1", weight1), matrix2 = readable(op, "weight2", weight2);
  const auto& f = low ? panel_kernels().tokens.low : panel_kernels().tokens.single;
  const Tensor row1 = row_of(op, "bias1", bias1, hidden), row2 = row_of(op, "bias2", bias2, width);
  const Tensor added = residual_of(op, residual, input.shape(width));
  Tensor out = at::empty(input.shape(width), x.options().dtype(at::kFloat));

  const auto panels1 = packed(matrix1, f.rows_bytes(hidden, input.width()), f.row_panels(hidden), f.pack_rows);
  const auto panels2 = packed(matrix2, f.rows_bytes(width, hidden), f.row_panels(width), f.pack_rows);
  const MlpProblem problem{input.rows(),  input.norm(),  panels1.data(),       panels2.data(), hidden,
                           width,         pointer(row1), pointer(row2), pointer(added), out.data_ptr<float>()};
  over_tokens(input.tokens(), f.mlp_tokens(problem), f.column_step, f.mlp_scratch(problem),
              [&](int64_t begin, int64_t end, char* scratch) { f.mlp(problem, begin, end, scratch); });
  return out;
}

}  // namespace adsam
