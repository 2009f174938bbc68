#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "group_norm/group_norm.h"
#include "group_norm/span_layout.h"
#include "group_norm/spans.h"

/**
 * Group normalisation, and GELU after it, on the CPU: two passes over memory forward (moments; normalised values) and
 * two backward (sums; the input's gradient), each on all threads. Backward recomputes the normalised values from the
 * input, so beside the input only two numbers a group are kept. All sums are double and run in one fixed order.
 */
namespace adsam {
namespace {

at::MemoryFormat format_of(const Tensor& input) {
  return input.suggest_memory_format() == at::MemoryFormat::ChannelsLast ? at::MemoryFormat::ChannelsLast
                                                                         : at::MemoryFormat::Contiguous;
}

/** Numbers of [C], of the compute type; `otherwise` where there is no tensor. */
template <typename T>
std::vector<T> channel_values(const Optional<Tensor>& tensor, int64_t channels, T otherwise) {
  if (!tensor.has_value() || !tensor->defined()) return std::vector<T>(channels, otherwise);
  const Tensor values = dense(*tensor, c10::CppTypeToScalarType<T>::value);
  return {values.data_ptr<T>(), values.data_ptr<T>() + channels};
}

/** scale and shift of every channel of the batch, [B·C] each. */
template <typename T>
struct Affine {
  std::vector<T> scale, shift;

  explicit Affine(const SpanLayout& layout) : scale(layout.batch * layout.channels), shift(scale.size()) {}
};

/** An Affine's tables for one span. */
template <typename T>
class Tables {
 public:
  Tables(const SpanLayout& layout, const Span& span, const Affine<T>& affine)
      : scale_(layout.table(span, affine.scale)), shift_(layout.table(span, affine.shift)) {}

  operator AffineTable<T>() const { return {scale_.data(), shift_.data()}; }

 private:
  std::vector<T> scale_, shift_;
};

template <typename Body>
void for_each_span(const SpanLayout& layout, const Body& body) {
  at::parallel_for(0, layout.spans(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) body(index, layout.span(index));
  });
}

/** The second pass over a map starts where the first one ended, with what is still in the cache. */
template <typename Body>
void for_each_span_again(const SpanLayout& layout, const Body& body) {
  at::parallel_for(0, layout.spans(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t index = end; index-- > begin;) body(layout.span(index));
  });
}

/** Two sums over every channel of the batch, [B·C] each. */
struct ChannelSums {
  std::vector<double> first, second;
};

/** `add(span, first, second)` adds a span to its two sums, element by element of the period. */
template <typename Add>
ChannelSums sum_channels(const SpanLayout& layout, const Add& add) {
  const int64_t summed = layout.summed();
  std::vector<double> first(layout.spans() * summed), second(first.size());
  for_each_span(layout, [&](int64_t index, const Span& span) {
    std::vector<double> a(layout.period), b(layout.period);
    add(span, a.data(), b.data());
    layout.fold(a, first.data() + index * summed);
    layout.fold(b, second.data() + index * summed);
  });
  return {layout.total(first), layout.total(second)};
}

/** The groups of a batch lie one after another in [B·C], `size` channels each. */
struct Groups {
  int64_t count, size;
};

/** Mean and 1/deviation of every group, [B·groups] each. */
template <typename T>
struct Statistics {
  T *mean, *rstd;
};

/** z = (x − mean)·rstd·weight + bias, as one multiplication and one addition. */
template <typename T>
Affine<T> affine_of(const SpanLayout& layout, const Groups& groups, Statistics<T> statistics,
                    const std::vector<T>& weight, const std::vector<T>& bias) {
  Affine<T> affine(layout);
  for (int64_t i = 0; i < layout.batch * layout.channels; ++i) {
    const int64_t group = i / groups.size, channel = i % layout.channels;
    const double scale = static_cast<double>(statistics.rstd[group]) * weight[channel];
    affine.scale[i] = static_cast<T>(scale);
    affine.shift[i] = static_cast<T>(bias[channel] - statistics.mean[group] * scale);
  }
  return affine;
}

/**
 * Deviations are measured from the first element of the group, so that a map far from zero loses no digits. Were that
 * element the one far from all others, it would itself be part of the variance, which bounds what is lost.
 */
template <typename T>
void measure(const SpanLayout& layout, const Groups& groups, const Tensor& x, double eps, Statistics<T> result) {
  const T* data = x.data_ptr<T>();
  std::vector<T> origin(layout.batch * layout.channels);
  for (int64_t i = 0; i < layout.batch * layout.channels; ++i)
    origin[i] = data[i / layout.channels * x.stride(0) + i % layout.channels / groups.size * groups.size * x.stride(1)];
  const ChannelSums sums = sum_channels(layout, [&](const Span& span, double* values, double* squares) {
    add_moments(data + span.first, span.count, layout.period, layout.table(span, origin).data(), values, squares);
  });
  const double count = static_cast<double>(groups.size * layout.pixels);
  for (int64_t group = 0; group < layout.batch * groups.count; ++group) {
    double sum = 0, squares = 0;
    for (int64_t i = group * groups.size; i < (group + 1) * groups.size; ++i)
      sum += sums.first[i], squares += sums.second[i];
    const double distance = sum / count, variance = std::max(0.0, squares / count - distance * distance);
    result.mean[group] = static_cast<T>(origin[group * groups.size] + distance);
    result.rstd[group] = static_cast<T>(1 / std::sqrt(variance + eps));
  }
}

template <typename T>
void forward(const SpanLayout& layout, const Affine<T>& affine, const Tensor& x, bool gelu, const Tensor& y) {
  const T* from = x.data_ptr<T>();
  T* to = y.data_ptr<T>();
  for_each_span_again(layout, [&](const Span& span) {
    normalise(from + span.first, span.count, layout.period, Tables<T>(layout, span, affine), gelu, to + span.first);
  });
}

/**
 * With dz the gradient of z, x̂ the normalised value and n the size of a group:
 * dx = rstd·(weight·dz − (Σ weight·dz + x̂·Σ weight·dz·x̂) / n), sums over the group. What does not depend on dz is put
 * as x·scale + shift.
 */
template <typename T>
Affine<T> statistics_share(const SpanLayout& layout, const Groups& groups, Statistics<T> statistics,
                           const std::vector<T>& weight, const ChannelSums& sums) {
  Affine<T> share(layout);
  const double count = static_cast<double>(groups.size * layout.pixels);
  for (int64_t group = 0; group < layout.batch * groups.count; ++group) {
    double sum = 0, product = 0;
    for (int64_t i = group * groups.size; i < (group + 1) * groups.size; ++i) {
      sum += weight[i % layout.channels] * sums.first[i];
      product += weight[i % layout.channels] * sums.second[i];
    }
    const double mean = statistics.mean[group], rstd = statistics.rstd[group];
    const double scale = -rstd * rstd * product / count, shift = -rstd * sum / count - mean * scale;
    for (int64_t i = group * groups.size; i < (group + 1) * groups.size; ++i)
      share.scale[i] = static_cast<T>(scale), share.shift[i] = static_cast<T>(shift);
  }
  return share;
}

/** Sums of every channel of the batch [B·C] → [C], a tensor of the dtype that `like` has. */
Tensor over_batch(const std::vector<double>& sums, int64_t channels, const Tensor& like) {
  Tensor result = at::zeros({channels}, like.options().dtype(at::kDouble).memory_format(at::MemoryFormat::Contiguous));
  double* out = result.data_ptr<double>();
  for (size_t i = 0; i < sums.size(); ++i) out[i % channels] += sums[i];
  return result.to(like.scalar_type());
}

}  // namespace

std::tuple<Tensor, Tensor, Tensor> group_norm_with_statistics_cpu(const Tensor& input, int64_t groups,
                                                                  const Optional<Tensor>& weight,
                                                                  const Optional<Tensor>& bias, double eps, bool gelu) {
  check_group_norm(input, groups, weight, bias);
  const auto type = compute_type(input);
  const auto format = format_of(input);
  const Tensor x = input.to(type).contiguous(format);
  const Tensor y = at::empty_like(x);
  const Tensor mean = at::empty({x.size(0), groups}, x.options().memory_format(at::MemoryFormat::Contiguous));
  const Tensor rstd = at::empty_like(mean);
  if (x.numel() == 0) return {y.to(input.scalar_type()), mean.zero_(), rstd.zero_()};
  const SpanLayout layout(x, format);
  const Groups of{groups, layout.channels / groups};
  AT_DISPATCH_FLOATING_TYPES(type, "group_norm", [&] {
    const Statistics<scalar_t> statistics{mean.data_ptr<scalar_t>(), rstd.data_ptr<scalar_t>()};
    measure<scalar_t>(layout, of, x, eps, statistics);
    forward<scalar_t>(layout,
                      affine_of(layout, of, statistics, channel_values<scalar_t>(weight, layout.channels, 1),
                                channel_values<scalar_t>(bias, layout.channels, 0)),
                      x, gelu, y);
  });
  return {y.to(input.scalar_type()), mean, rstd};
}

GroupNormGradients group_norm_backward_cpu(const Tensor& gradient, const Tensor& input, const Tensor& mean,
                                           const Tensor& rstd, int64_t groups, const Optional<Tensor>& weight_,
                                           const Optional<Tensor>& bias_, bool gelu, std::array<bool, 3> wanted) {
  const auto type = compute_type(input);
  const auto format = format_of(input);
  const Tensor x = input.to(type).contiguous(format), dy = gradient.to(type).contiguous(format);
  const Tensor weight = value_or_undefined(weight_), bias = value_or_undefined(bias_);
  GroupNormGradients result;
  if (wanted[0]) std::get<0>(result) = at::empty_like(x);
  if (x.numel() == 0) {
    if (wanted[1]) std::get<1>(result) = at::zeros_like(weight);
    if (wanted[2]) std::get<2>(result) = at::zeros_like(bias);
    return result;
  }
  const SpanLayout layout(x, format);
  const int64_t channels = layout.channels;
  const Groups of{groups, channels / groups};
  AT_DISPATCH_FLOATING_TYPES(type, "group_norm_backward", [&] {
    const Statistics<scalar_t> statistics{mean.data_ptr<scalar_t>(), rstd.data_ptr<scalar_t>()};
    const auto scales = channel_values<scalar_t>(weight_, channels, 1);
    const auto affine = affine_of(layout, of, statistics, scales, channel_values<scalar_t>(bias_, channels, 0));
    const auto unit =
        affine_of(layout, of, statistics, std::vector<scalar_t>(channels, 1), std::vector<scalar_t>(channels, 0));
    const scalar_t *from = x.data_ptr<scalar_t>(), *cotangent = dy.data_ptr<scalar_t>();
    const ChannelSums sums = sum_channels(layout, [&](const Span& span, double* values, double* products) {
      add_gradients(from + span.first, cotangent + span.first, span.count, layout.period,
                    Tables<scalar_t>(layout, span, affine), Tables<scalar_t>(layout, span, unit), gelu, values,
                    products);
    });
    if (wanted[1]) std::get<1>(result) = over_batch(sums.second, channels, weight);
    if (wanted[2]) std::get<2>(result) = over_batch(sums.first, channels, bias);
    if (!wanted[0]) return;
    const auto share = statistics_share(layout, of, statistics, scales, sums);
    scalar_t* to = std::get<0>(result).data_ptr<scalar_t>();
    for_each_span_again(layout, [&](const Span& span) {
      input_gradient(from + span.first, cotangent + span.first, span.count, layout.period,
                     Tables<scalar_t>(layout, span, affine), Tables<scalar_t>(layout, span, share), gelu,
                     to + span.first);
    });
  });
  if (wanted[0]) std::get<0>(result) = std::get<0>(result).to(input.scalar_type());
  return result;
}

}  // namespace adsam
