#include "ms_deform_attn/ms_deform_attn.h"

#include <ATen/Parallel.h>

#include "ms_deform_attn/sampling.h"

/** Multi-scale deformable attention on the CPU. Forward is shared out by queries, backward by (picture, head, level):
 * no number is added to by two threads. */
namespace adsam {
namespace {

constexpr int64_t kQueryGrain = 8;

/** Inputs, dense and in the type that is computed in. */
template <typename T>
struct Prepared {
  Tensor value, locations, weights, zeros;

  Prepared(const AttentionGeometry& g, const Tensor& value_, const Tensor& locations_, const Tensor& weights_) {
    const auto type = c10::CppTypeToScalarType<T>::value;
    value = dense(value_, type), locations = dense(locations_, type), weights = dense(weights_, type);
    zeros = at::zeros({g.head_dim}, value.options());
  }

  AttentionInputs<T> inputs(const AttentionGeometry& g) const {
    return {g, value.data_ptr<T>(), locations.data_ptr<T>(), weights.data_ptr<T>(), zeros.data_ptr<T>()};
  }
};

template <typename T>
T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

}  // namespace

Tensor ms_deform_attn_cpu(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                          const Tensor& attention_weights) {
  const auto g = attention_geometry(value, spatial_shapes, sampling_locations, attention_weights);
  const auto type = compute_type(value);
  Tensor output = at::empty({g.batch, g.queries, g.channels()}, value.options().dtype(type));
  AT_DISPATCH_FLOATING_TYPES(type, "ms_deform_attn", [&] {
    const Prepared<scalar_t> prepared(g, value, sampling_locations, attention_weights);
    const auto inputs = prepared.inputs(g);
    scalar_t* out = output.data_ptr<scalar_t>();
    at::parallel_for(0, g.batch * g.queries, kQueryGrain,
                     [&](int64_t begin, int64_t end) { attend(inputs, begin, end, out); });
  });
  return output.to(value.scalar_type());
}

AttentionGradientTensors ms_deform_attn_backward_cpu(const Tensor& gradient, const Tensor& value,
                                                     IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                                                     const Tensor& attention_weights, std::array<bool, 3> wanted) {
  const auto g = attention_geometry(value, spatial_shapes, sampling_locations, attention_weights);
  const auto type = compute_type(value);
  const auto options = value.options().dtype(type);
  Tensor value_gradient, location_gradient, weight_gradient;
  if (wanted[0]) value_gradient = at::zeros(value.sizes(), options);
  if (wanted[1]) location_gradient = at::empty(sampling_locations.sizes(), options);
  if (wanted[2]) weight_gradient = at::empty(attention_weights.sizes(), options);
  const Tensor cotangent = dense(gradient, type);
  AT_DISPATCH_FLOATING_TYPES(type, "ms_deform_attn_backward", [&] {
    const Prepared<scalar_t> prepared(g, value, sampling_locations, attention_weights);
    const auto inputs = prepared.inputs(g);
    const AttentionGradients<scalar_t> result{data_or_null<scalar_t>(value_gradient),
                                              data_or_null<scalar_t>(location_gradient),
                                              data_or_null<scalar_t>(weight_gradient)};
    const scalar_t* from = cotangent.data_ptr<scalar_t>();
    at::parallel_for(0, g.batch * g.heads * g.level_count(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t level = task % g.level_count(), head = task / g.level_count() % g.heads;
        attend_backward(inputs, task / g.level_count() / g.heads, head, level, from, result);
      }
    });
  });
  if (wanted[0]) value_gradient = value_gradient.to(value.scalar_type());
  if (wanted[1]) location_gradient = location_gradient.to(sampling_locations.scalar_type());
  if (wanted[2]) weight_gradient = weight_gradient.to(attention_weights.scalar_type());
  return {value_gradient, location_gradient, weight_gradient};
}

}  // namespace adsam
