#include "ms_deform_attn/cuda.h"

#include <ATen/Dispatch.h>

#include <limits>

#include "common/check.h"
#include "ms_deform_attn/kernels.cuh"

namespace adsam {
namespace {

AttentionShape device_shape(const AttentionGeometry& g) {
  ADSAM_CHECK(g.level_count() <= kMostLevels, "ms_deform_attn spatialShapes", c10::str(g.level_count(), " levels"),
              c10::str("at most ", kMostLevels, " on a GPU"), "Attend to some of them at a time.");
  AttentionShape shape{};
  shape.heads = static_cast<int32_t>(g.heads), shape.head_dim = static_cast<int32_t>(g.head_dim);
  shape.level_count = static_cast<int32_t>(g.level_count()), shape.points = static_cast<int32_t>(g.points);
  shape.positions = g.positions, shape.queries = g.queries, shape.items = g.batch * g.queries * g.heads;
  for (int64_t l = 0; l < g.level_count(); ++l) {
    shape.height[l] = static_cast<int32_t>(g.levels[l].height), shape.width[l] = static_cast<int32_t>(g.levels[l].width);
    shape.start[l] = g.levels[l].start;
  }
  return shape;
}

/** Inputs as the kernels read them: dense, places and weights in the type sums are made in. */
template <typename T>
struct Prepared {
  Tensor value, locations, weights;
  bool wide;
  AttentionArguments<T> arguments;

  Prepared(const AttentionGeometry& g, const Tensor& value_, const Tensor& locations_, const Tensor& weights_)
      : value(value_.contiguous()) {
    const auto sum_type = c10::CppTypeToScalarType<Sum<T>>::value;
    locations = dense(locations_, sum_type), weights = dense(weights_, sum_type);
    wide = reads_wide<T>(value.data_ptr(), g.head_dim);
    const unsigned lanes = lanes_for(g.head_dim / (wide ? kWide<T> : 1));
    arguments = {device_shape(g), lanes, value.data_ptr<T>(), locations.data_ptr<Sum<T>>(), weights.data_ptr<Sum<T>>()};
    const int64_t most = std::numeric_limits<int32_t>::max();
    ADSAM_CHECK(arguments.shape.items * lanes / kBlock < most, "ms_deform_attn samplingLocations",
                c10::str("shape ", locations.sizes()), "fewer queries for one launch", "Cut the batch.");
  }

  unsigned blocks() const { return blocks_for(arguments.shape.items * arguments.lanes); }
};

template <typename T>
T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

}  // namespace

Tensor ms_deform_attn_cuda(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                           const Tensor& attention_weights) {
  const auto g = attention_geometry(value, spatial_shapes, sampling_locations, attention_weights);
  const OnDeviceOf device(value);
  Tensor output =
      at::empty({g.batch, g.queries, g.channels()}, value.options().memory_format(at::MemoryFormat::Contiguous));
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, value.scalar_type(), "ms_deform_attn_cuda", [&] {
    const Prepared<scalar_t> in(g, value, sampling_locations, attention_weights);
    scalar_t* out = output.data_ptr<scalar_t>();
    if (in.wide)
      launch(attend_kernel<scalar_t, kWide<scalar_t>>, in.blocks(), kBlock, in.arguments, out);
    else
      launch(attend_kernel<scalar_t, 1>, in.blocks(), kBlock, in.arguments, out);
  });
  return output;
}

AttentionGradientTensors ms_deform_attn_backward_cuda(const Tensor& gradient, const Tensor& value,
                                                      IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                                                      const Tensor& attention_weights, std::array<bool, 3> wanted) {
  const auto g = attention_geometry(value, spatial_shapes, sampling_locations, attention_weights);
  if (wanted[0]) at::globalContext().alertNotDeterministic("adsam::_ms_deform_attn_backward on CUDA");
  const OnDeviceOf device(value);
  const auto options = value.options().dtype(compute_type(value)).memory_format(at::MemoryFormat::Contiguous);
  Tensor value_sum, location_sum, weight_sum;
  if (wanted[0]) value_sum = at::zeros(value.sizes(), options);
  if (wanted[1]) location_sum = at::empty(sampling_locations.sizes(), options);
  if (wanted[2]) weight_sum = at::empty(attention_weights.sizes(), options);
  const Tensor cotangent = dense(gradient, value.scalar_type());
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, value.scalar_type(), "ms_deform_attn_backward_cuda", [&] {
    const Prepared<scalar_t> in(g, value, sampling_locations, attention_weights);
    using S = Sum<scalar_t>;
    const AttentionSums<S> sums{data_or_null<S>(value_sum), data_or_null<S>(location_sum), data_or_null<S>(weight_sum)};
    const scalar_t* from = cotangent.data_ptr<scalar_t>();
    if (in.wide && reads_wide<scalar_t>(from, g.head_dim))
      launch(attend_backward_kernel<scalar_t, kWide<scalar_t>>, in.blocks(), kBlock, in.arguments, from, sums);
    else {
      auto arguments = in.arguments;
      arguments.lanes = lanes_for(g.head_dim);
      launch(attend_backward_kernel<scalar_t, 1>, blocks_for(arguments.shape.items * arguments.lanes), kBlock, arguments,
             from, sums);
    }
  });
  if (wanted[0]) value_sum = value_sum.to(value.scalar_type());
  if (wanted[1]) location_sum = location_sum.to(sampling_locations.scalar_type());
  if (wanted[2]) weight_sum = weight_sum.to(attention_weights.scalar_type());
  return {value_sum, location_sum, weight_sum};
}

}  // namespace adsam
