#include <ATen/Parallel.h>

#include <algorithm>

#include "common/layout.h"
#include "deform_conv/columns.h"
#include "deform_conv/deform_conv.h"

/**
 * Modulated deformable convolution on the CPU: blocks of output positions, each gathered into columns (all threads) and
 * multiplied by BLAS (all threads). Memory is bounded by the block, whatever the picture. Every sum made here runs in
 * one fixed order, whatever the number of threads (BLAS may choose its own for the weight's gradient), and the gradient
 * of the picture is shared out by channels, so nobody adds to the same number at once.
 */
namespace adsam {
namespace {

// A block's columns: enough rows to keep BLAS busy on every core, few enough to stay near the last-level cache.
constexpr int64_t kBlockBytes = 2 << 20;
constexpr int64_t kLeastPositions = 128;
// 16 float32 channels are one cache line: threads that scatter never share one.
constexpr int64_t kChannelSlice = 16;
constexpr int64_t kPositionGrain = 16;

int64_t block_positions(const DeformGeometry& g, int64_t item_size) {
  const int64_t column_bytes = g.taps() * g.channels * item_size;
  return std::min(g.positions(), std::max(kLeastPositions, kBlockBytes / column_bytes));
}

/** Weight as BLAS wants it, one matrix a group: [O, C/groups, kH, kW] → [groups, taps·C/groups, O/groups]. */
Tensor weight_matrices(const DeformGeometry& g, const Tensor& weight, at::ScalarType type) {
  return weight.to(type)
      .reshape({g.groups, g.group_out_channels(), g.group_channels(), g.taps()})
      .permute({0, 3, 2, 1})
      .reshape({g.groups, g.column(), g.group_out_channels()})
      .contiguous();
}

/** [groups, taps·C/groups, O/groups] → [O, C/groups, kH, kW] */
Tensor weight_from_matrices(const DeformGeometry& g, const Tensor& matrices) {
  return matrices.reshape({g.groups, g.taps(), g.group_channels(), g.group_out_channels()})
      .permute({0, 3, 2, 1})
      .reshape({g.out_channels, g.group_channels(), g.kernel.y, g.kernel.x});
}

/** Positions [first, first + count) of picture b, group's channels, as a matrix [count, O/groups] over `maps` [B, O,
 * outH, outW]. */
Tensor position_matrix(const DeformGeometry& g, const Tensor& maps, int64_t b, int64_t group, int64_t first,
                       int64_t count) {
  const int64_t channels = g.group_out_channels();
  // Dense over positions in either layout, so one stride steps through rows and columns; that of an axis of size one
  // says nothing.
  const int64_t position_stride = g.out_width > 1 ? maps.stride(3) : maps.stride(2);
  return maps.as_strided(
      {count, channels}, {position_stride, maps.stride(1)},
      maps.storage_offset() + b * maps.stride(0) + group * channels * maps.stride(1) + first * position_stride);
}

/** Inputs in the layout and type the kernels read, shared by forward and backward. */
template <typename T>
struct Prepared {
  const DeformGeometry& g;
  std::vector<ChannelRun> runs;
  Tensor pictures, offset, mask, matrices, zeros, taps;

  Prepared(const DeformGeometry& geometry, const Tensor& input, const Tensor& weight, const Tensor& offset_,
           const Tensor& mask_)
      : g(geometry), runs(geometry.channel_runs()) {
    const auto type = c10::CppTypeToScalarType<T>::value;
    pictures = channels_last(input, type);  // [B, H, W, C]
    offset = dense(offset_, type);
    if (mask_.defined()) mask = dense(mask_, type);
    matrices = weight_matrices(g, weight, type);
    zeros = at::zeros({g.channels}, pictures.options());
    const int64_t tap_count = block_positions(g, sizeof(T)) * g.offset_groups * g.taps();
    taps = at::empty({tap_count * static_cast<int64_t>(sizeof(Tap<T>))}, pictures.options().dtype(at::kByte));
  }

  /** The block of positions [first, first + count) of picture b, its taps computed. */
  ColumnBlock<T> block(int64_t b, int64_t first, int64_t count) const {
    const int64_t tap_maps = g.offset_groups * g.taps() * g.positions();
    ColumnBlock<T> block{g,
                         runs,
                         pictures.data_ptr<T>() + b * g.height * g.width * g.channels,
                         offset.data_ptr<T>() + b * 2 * tap_maps,
                         mask.defined() ? mask.data_ptr<T>() + b * tap_maps : nullptr,
                         zeros.data_ptr<T>(),
                         first,
                         count,
                         reinterpret_cast<Tap<T>*>(taps.data_ptr())};
    return block;
  }
};

template <typename T>
void forward(const DeformGeometry& g, const Prepared<T>& in, const Tensor& bias, Tensor& output) {
  const int64_t size = block_positions(g, sizeof(T));
  Tensor columns = at::empty({g.groups * size * g.column()}, in.pictures.options());
  for (int64_t b = 0; b < g.batch; ++b)
    for (int64_t first = 0; first < g.positions(); first += size) {
      const int64_t count = std::min(size, g.positions() - first);
      const ColumnBlock<T> block = in.block(b, first, count);
      T* out = columns.data_ptr<T>();
      at::parallel_for(0, count, kPositionGrain, [&](int64_t begin, int64_t end) {
        make_taps(block, begin, end);
        gather_columns(block, begin, end, out);
      });
      for (int64_t group = 0; group < g.groups; ++group) {
        const Tensor matrix =
            columns.narrow(0, group * count * g.column(), count * g.column()).view({count, g.column()});
        Tensor result = position_matrix(g, output, b, group, first, count);
        if (bias.defined())
          at::addmm_out(result, bias.narrow(0, group * g.group_out_channels(), g.group_out_channels()), matrix,
                        in.matrices[group]);
        else
          at::mm_out(result, matrix, in.matrices[group]);
      }
    }
}

/** Sums over all blocks; a member is undefined where its gradient is not wanted. */
struct Sums {
  Tensor pictures, matrices, offset, mask;
};

template <typename T>
void backward(const DeformGeometry& g, const Prepared<T>& in, const Tensor& gradient, Sums& sums) {
  const int64_t size = block_positions(g, sizeof(T));
  const int64_t tap_maps = g.offset_groups * g.taps() * g.positions();
  const bool through_columns = sums.pictures.defined() || sums.offset.defined() || sums.mask.defined();
  Tensor buffer = at::empty({g.groups * size * g.column()}, in.pictures.options());
  T* columns = buffer.data_ptr<T>();
  for (int64_t b = 0; b < g.batch; ++b)
    for (int64_t first = 0; first < g.positions(); first += size) {
      const int64_t count = std::min(size, g.positions() - first);
      const ColumnBlock<T> block = in.block(b, first, count);
      const auto matrix = [&](int64_t group) {
        return buffer.narrow(0, group * count * g.column(), count * g.column()).view({count, g.column()});
      };
      at::parallel_for(0, count, kPositionGrain, [&](int64_t begin, int64_t end) {
        make_taps(block, begin, end);
        if (sums.matrices.defined()) gather_columns(block, begin, end, columns);
      });
      if (sums.matrices.defined())
        for (int64_t group = 0; group < g.groups; ++group)
          sums.matrices[group].addmm_(matrix(group).t(), position_matrix(g, gradient, b, group, first, count));
      if (!through_columns) continue;

      // From here on the buffer holds the cotangents of the columns.
      for (int64_t group = 0; group < g.groups; ++group) {
        Tensor result = matrix(group);
        at::mm_out(result, position_matrix(g, gradient, b, group, first, count), in.matrices[group].t());
      }
      if (sums.offset.defined() || sums.mask.defined()) {
        const TapGradients<T> result{sums.offset.defined() ? sums.offset.data_ptr<T>() + b * 2 * tap_maps : nullptr,
                                     sums.mask.defined() ? sums.mask.data_ptr<T>() + b * tap_maps : nullptr};
        at::parallel_for(0, count, kPositionGrain,
                         [&](int64_t begin, int64_t end) { reduce_taps(block, begin, end, columns, result); });
      }
      if (sums.pictures.defined()) {
        T* picture = sums.pictures.data_ptr<T>() + b * g.height * g.width * g.channels;
        at::parallel_for(0, at::divup(g.channels, kChannelSlice), 1, [&](int64_t begin, int64_t end) {
          scatter_columns(block, begin * kChannelSlice, std::min(end * kChannelSlice, g.channels), columns, picture);
        });
      }
    }
}

}  // namespace

Tensor deform_conv2d_cpu(const Tensor& input, const Tensor& weight, const Tensor& offset, const Optional<Tensor>& mask,
                         const Optional<Tensor>& bias, IntArrayRef stride, IntArrayRef padding, IntArrayRef dilation,
                         int64_t groups, int64_t offset_groups) {
  const auto g = deform_geometry(input, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups);
  const auto type = compute_type(input);
  Tensor output = at::empty({g.batch, g.out_channels, g.out_height, g.out_width},
                            input.options().dtype(type).memory_format(deform_format(input)));
  Tensor bias_row = value_or_undefined(bias);
  if (bias_row.defined()) bias_row = dense(bias_row, type);
  AT_DISPATCH_FLOATING_TYPES(type, "deform_conv2d", [&] {
    forward<scalar_t>(g, Prepared<scalar_t>(g, input, weight, offset, value_or_undefined(mask)), bias_row, output);
  });
  return output.to(input.scalar_type());
}

DeformGradients deform_conv2d_backward_cpu(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                           const Tensor& offset, const Optional<Tensor>& mask, IntArrayRef stride,
                                           IntArrayRef padding, IntArrayRef dilation, int64_t groups,
                                           int64_t offset_groups, std::array<bool, 5> wanted) {
  const auto g = deform_geometry(input, weight, offset, mask, {}, stride, padding, dilation, groups, offset_groups);
  const auto type = compute_type(input);
  const auto options = input.options().dtype(type).memory_format(at::MemoryFormat::Contiguous);
  const Tensor mask_ = value_or_undefined(mask);
  const Tensor cotangent = gradient.to(type).contiguous(gradient.suggest_memory_format());

  Sums sums;
  if (wanted[0]) sums.pictures = at::zeros({g.batch, g.height, g.width, g.channels}, options);
  if (wanted[1]) sums.matrices = at::zeros({g.groups, g.column(), g.group_out_channels()}, options);
  if (wanted[2]) sums.offset = at::empty(offset.sizes(), options);
  if (wanted[3] && mask_.defined()) sums.mask = at::empty(mask_.sizes(), options);
  AT_DISPATCH_FLOATING_TYPES(type, "deform_conv2d_backward", [&] {
    backward<scalar_t>(g, Prepared<scalar_t>(g, input, weight, offset, mask_), cotangent, sums);
  });

  DeformGradients result;
  if (wanted[0]) std::get<0>(result) = channels_first(sums.pictures, deform_format(input)).to(input.scalar_type());
  if (wanted[1]) std::get<1>(result) = weight_from_matrices(g, sums.matrices).to(weight.scalar_type());
  if (wanted[2]) std::get<2>(result) = sums.offset.to(offset.scalar_type());
  if (sums.mask.defined()) std::get<3>(result) = sums.mask.to(mask_.scalar_type());
  if (wanted[4]) std::get<4>(result) = cotangent.sum({0, 2, 3}).to(weight.scalar_type());
  return result;
}

}  // namespace adsam
