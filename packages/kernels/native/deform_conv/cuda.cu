#include "deform_conv/cuda.h"

#include <ATen/Dispatch.h>

#include <algorithm>
#include <limits>

#include "common/check.h"
#include "deform_conv/kernels.cuh"

/**
 * Modulated deformable convolution on a GPU: blocks of output positions over the whole batch, gathered into columns and
 * multiplied by cuBLAS. Everything is channels-last inside, so gathers read whole lines and a product writes the output
 * as it is. Backward multiplies the output's cotangent back into columns, and one kernel makes of these the gradients
 * of offset, mask and picture.
 */
namespace adsam {
namespace {

// Columns of the largest layers of the paper's network at 1024 × 1024 fit at once; a batch of them comes in blocks.
constexpr int64_t kBlockBytes = 256 << 20;

int32_t narrow32(const char* what, int64_t value) {
  ADSAM_CHECK(value >= 0 && value <= std::numeric_limits<int32_t>::max() / 2, c10::str("deform_conv2d ", what), value,
              "less than 2^30 on a GPU", "Cut the picture into tiles.");
  return static_cast<int32_t>(value);
}

DeformShape device_shape(const DeformGeometry& g) {
  narrow32("picture", g.height * g.width);
  return {narrow32("channels", g.channels),
          narrow32("height", g.height),
          narrow32("width", g.width),
          narrow32("output width", g.out_width),
          narrow32("output size", g.positions()),
          narrow32("kernel", g.kernel.x),
          narrow32("kernel size", g.taps()),
          narrow32("stride", g.stride.y),
          narrow32("stride", g.stride.x),
          narrow32("padding", g.padding.y),
          narrow32("padding", g.padding.x),
          narrow32("dilation", g.dilation.y),
          narrow32("dilation", g.dilation.x),
          narrow32("offset groups", g.offset_groups),
          narrow32("channels", g.channels / g.offset_groups),
          narrow32("channels", g.group_channels())};
}

/** Positions a block may hold: by memory, and so that threads and numbers of a block count in 31 bits. */
int64_t block_positions(const DeformGeometry& g, int64_t item_size) {
  const int64_t row = g.taps() * g.channels;
  const int64_t most = std::min(kBlockBytes / (row * item_size), (int64_t{1} << 30) / row);
  return std::min(g.batch * g.positions(), std::max<int64_t>(1, most));
}

/** Strides of [B, maps, outH, outW] seen as [B, maps, positions]; false where positions lie in no single stride. */
bool position_strides(const Tensor& maps, int64_t& position_stride) {
  const int64_t height = maps.size(2), width = maps.size(3);
  position_stride = width > 1 ? maps.stride(3) : height > 1 ? maps.stride(2) : 1;
  return height == 1 || width == 1 || maps.stride(2) == width * maps.stride(3);
}

/** `maps` [B, maps, outH, outW] in the type sums are made in, with a single stride from position to position. */
Tensor as_position_maps(const Tensor& maps, at::ScalarType type) {
  const Tensor typed = maps.to(type);
  int64_t stride;
  return position_strides(typed, stride) ? typed : typed.contiguous();
}

template <typename S>
PositionMaps<S> position_maps(const Tensor& maps) {
  if (!maps.defined()) return {nullptr, 0, 0, 0};
  int64_t stride;
  TORCH_INTERNAL_ASSERT(position_strides(maps, stride));
  using Plain = std::remove_const_t<S>;
  return {maps.data_ptr<Plain>(), maps.stride(0), maps.stride(1), stride};
}

/** [O, C/groups, kH, kW] → [groups, O/groups, taps·C/groups]; no copy of a channels-last weight. */
Tensor weight_rows(const DeformGeometry& g, const Tensor& weight) {
  return weight.permute({0, 2, 3, 1}).reshape({g.groups, g.group_out_channels(), g.column()});
}

/** [groups, O/groups, taps·C/groups] → [O, C/groups, kH, kW] */
Tensor weight_from_rows(const DeformGeometry& g, const Tensor& rows) {
  return rows.reshape({g.out_channels, g.kernel.y, g.kernel.x, g.group_channels()}).permute({0, 3, 1, 2});
}

/** Dense [B, H, W, C] of [B, C, H, W]; no copy of a channels-last tensor. */
Tensor as_channels_last(const Tensor& maps) { return maps.permute({0, 2, 3, 1}).contiguous(); }

/** What forward and backward share: inputs as the kernels read them, and blocks of columns. */
template <typename T>
struct Prepared {
  const DeformGeometry& g;
  Tensor pictures, offset, mask, rows;
  int64_t block_size;
  bool wide;
  DeformInputs<T> inputs;

  Prepared(const DeformGeometry& geometry, const Tensor& input, const Tensor& weight, const Tensor& offset_,
           const Tensor& mask_)
      : g(geometry), pictures(as_channels_last(input)), rows(weight_rows(g, weight)) {
    const auto sum_type = c10::CppTypeToScalarType<Sum<T>>::value;
    offset = as_position_maps(offset_, sum_type);
    if (mask_.defined()) mask = as_position_maps(mask_, sum_type);
    block_size = block_positions(g, sizeof(T));
    wide = reads_wide<T>(pictures.data_ptr(), g.group_channels()) &&
           reads_wide<T>(pictures.data_ptr(), g.channels / g.offset_groups);
    inputs = {device_shape(g), {}, pictures.data_ptr<T>(), position_maps<const Sum<T>>(offset),
              position_maps<const Sum<T>>(mask)};
  }

  Tensor new_columns() const { return at::empty({g.groups * block_size * g.column()}, pictures.options()); }

  /** Group's columns of a block of `count` positions: [count, taps·C/groups]. */
  Tensor matrix(const Tensor& columns, int64_t group, int64_t count) const {
    return columns.narrow(0, group * count * g.column(), count * g.column()).view({count, g.column()});
  }

  /** Calls body(inputs of the block, first position, count) for all blocks of the batch. */
  template <typename Body>
  void for_blocks(const Body& body) const {
    const int64_t all = g.batch * g.positions();
    for (int64_t first = 0; first < all; first += block_size) {
      const int64_t count = std::min(block_size, all - first);
      DeformInputs<T> block = inputs;
      block.block = {narrow32("batch", first / g.positions()), static_cast<int32_t>(first % g.positions()),
                     static_cast<int32_t>(count)};
      body(block, first, count);
    }
  }

  void gather(const DeformInputs<T>& block, const Tensor& columns) const {
    const int64_t items = static_cast<int64_t>(block.block.count) * g.taps() * g.channels;
    T* out = columns.data_ptr<T>();
    if (wide)
      launch(gather_columns<T, kWide<T>>, blocks_for(items / kWide<T>), kBlock, block, out);
    else
      launch(gather_columns<T, 1>, blocks_for(items), kBlock, block, out);
  }

  template <int width>
  void spread_by(const DeformInputs<T>& block, const Tensor& cotangents, const DeformSums<Sum<T>>& sums) const {
    const unsigned lanes = lanes_for(g.channels / g.offset_groups / width);
    const int64_t threads = static_cast<int64_t>(block.block.count) * g.offset_groups * g.taps() * lanes;
    const T* in = cotangents.data_ptr<T>();
    if (sums.offset.data || sums.mask.data)
      launch(spread_columns<T, width, true>, blocks_for(threads), kBlock, block, in, lanes, sums);
    else
      launch(spread_columns<T, width, false>, blocks_for(threads), kBlock, block, in, lanes, sums);
  }

  void spread(const DeformInputs<T>& block, const Tensor& cotangents, const DeformSums<Sum<T>>& sums) const {
    wide ? spread_by<kWide<T>>(block, cotangents, sums) : spread_by<1>(block, cotangents, sums);
  }

  /** Group's channels of positions [first, first + count) of maps [B·positions, O]. */
  Tensor of_group(const Tensor& maps, int64_t group, int64_t first, int64_t count) const {
    return maps.narrow(0, first, count).narrow(1, group * g.group_out_channels(), g.group_out_channels());
  }
};

template <typename T>
void forward(const Prepared<T>& in, const Tensor& bias, const Tensor& output) {
  const DeformGeometry& g = in.g;
  const Tensor columns = in.new_columns();
  in.for_blocks([&](const DeformInputs<T>& block, int64_t first, int64_t count) {
    in.gather(block, columns);
    for (int64_t group = 0; group < g.groups; ++group) {
      Tensor result = in.of_group(output, group, first, count);
      const Tensor matrix = in.matrix(columns, group, count), weight = in.rows[group].t();
      if (bias.defined())
        at::addmm_out(result, bias.narrow(0, group * g.group_out_channels(), g.group_out_channels()), matrix, weight);
      else
        at::mm_out(result, matrix, weight);
    }
  });
}

/** Gradients under way; undefined where not wanted. */
struct Gradients {
  Tensor pictures;  // [B, H, W, C]
  Tensor rows;      // [groups, O/groups, taps·C/groups]
  Tensor offset, mask;
};

template <typename T>
void backward(const Prepared<T>& in, const Tensor& cotangent, Gradients& result) {
  const DeformGeometry& g = in.g;
  const DeformSums<Sum<T>> sums{position_maps<Sum<T>>(result.offset), position_maps<Sum<T>>(result.mask),
                                result.pictures.defined() ? result.pictures.data_ptr<Sum<T>>() : nullptr};
  const bool through_columns = sums.pictures || sums.offset.data || sums.mask.data;
  const Tensor columns = in.new_columns();
  in.for_blocks([&](const DeformInputs<T>& block, int64_t first, int64_t count) {
    if (result.rows.defined()) {
      in.gather(block, columns);
      // A block's product has the input's type; blocks are added up in the type sums are made in.
      for (int64_t group = 0; group < g.groups; ++group)
        result.rows[group].add_(
            at::mm(in.of_group(cotangent, group, first, count).t(), in.matrix(columns, group, count)));
    }
    if (!through_columns) return;
    for (int64_t group = 0; group < g.groups; ++group) {
      Tensor back = in.matrix(columns, group, count);  // from here on the cotangents of the columns
      at::mm_out(back, in.of_group(cotangent, group, first, count), in.rows[group]);
    }
    in.spread(block, columns, sums);
  });
}

}  // namespace

Tensor deform_conv2d_cuda(const Tensor& input, const Tensor& weight, const Tensor& offset, const Optional<Tensor>& mask,
                          const Optional<Tensor>& bias, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation,
                          int64_t groups, int64_t offset_groups) {
  const auto g = deform_geometry(input, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups);
  const OnDeviceOf device(input);
  const Tensor output =
      at::empty({g.batch * g.positions(), g.out_channels}, input.options().memory_format(at::MemoryFormat::Contiguous));
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, input.scalar_type(), "deform_conv2d_cuda", [&] {
    forward<scalar_t>(Prepared<scalar_t>(g, input, weight, offset, value_or_undefined(mask)), value_or_undefined(bias),
                      output);
  });
  return output.view({g.batch, g.out_height, g.out_width, g.out_channels})
      .permute({0, 3, 1, 2})
      .contiguous(deform_format(input));
}

DeformGradients deform_conv2d_backward_cuda(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                            const Tensor& offset, const Optional<Tensor>& mask, IntArrayRef stride,
                                            IntArrayRef padding, IntArrayRef dilation, int64_t groups,
                                            int64_t offset_groups, std::array<bool, 5> wanted) {
  const auto g = deform_geometry(input, weight, offset, mask, {}, stride, padding, dilation, groups, offset_groups);
  if (wanted[0]) at::globalContext().alertNotDeterministic("adsam::_deform_conv2d_backward on CUDA");
  const OnDeviceOf device(input);
  const Tensor mask_ = value_or_undefined(mask);
  const auto options = input.options().dtype(compute_type(input)).memory_format(at::MemoryFormat::Contiguous);
  // Results of the layers that made them: channels-last stays channels-last.
  const auto like = [&](const Tensor& maps) {
    return at::empty(maps.sizes(), options.memory_format(maps.suggest_memory_format()));
  };
  const Tensor cotangent =
      as_channels_last(gradient.to(input.scalar_type())).view({g.batch * g.positions(), g.out_channels});

  Gradients sums;
  if (wanted[0]) sums.pictures = at::zeros({g.batch, g.height, g.width, g.channels}, options);
  if (wanted[1]) sums.rows = at::zeros({g.groups, g.group_out_channels(), g.column()}, options);
  if (wanted[2]) sums.offset = like(offset);
  if (wanted[3] && mask_.defined()) sums.mask = like(mask_);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, input.scalar_type(), "deform_conv2d_backward_cuda", [&] {
    backward<scalar_t>(Prepared<scalar_t>(g, input, weight, offset, mask_), cotangent, sums);
  });

  DeformGradients result;
  if (wanted[0])
    std::get<0>(result) =
        sums.pictures.to(input.scalar_type()).permute({0, 3, 1, 2}).contiguous(deform_format(input));
  if (wanted[1]) std::get<1>(result) = weight_from_rows(g, sums.rows.to(weight.scalar_type()));
  if (wanted[2]) std::get<2>(result) = sums.offset.to(offset.scalar_type());
  if (sums.mask.defined()) std::get<3>(result) = sums.mask.to(mask_.scalar_type());
  if (wanted[4]) std::get<4>(result) = cotangent.sum({0}, /*keepdim*/ false, compute_type(input)).to(weight.scalar_type());
  return result;
}

}  // namespace adsam
