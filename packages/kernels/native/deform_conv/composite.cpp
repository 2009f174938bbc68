#include "deform_conv/deform_conv.h"

namespace adsam {

/**
 * Deformable convolution in plain operators, to be read beside the fast one. For every tap k of the kernel and output
 * position p (Zhu et al., "Deformable ConvNets v2", eq. 1): y(p) = Σ_k w_k · m_k(p) · x(p·stride − padding + k·dilation
 * + Δ_k(p)), x read bilinearly, zero outside.
 */
Tensor deform_conv2d_composite(const Tensor& input, const Tensor& weight, const Tensor& offset,
                               const Optional<Tensor>& mask, const Optional<Tensor>& bias, IntArrayRef stride,
                               IntArrayRef padding, IntArrayRef dilation, int64_t groups, int64_t offset_groups) {
  const auto g = deform_geometry(input, weight, offset, mask, bias, stride, padding, dilation, groups, offset_groups);
  const auto type = compute_type(input);
  const auto options = input.options().dtype(type);
  const int64_t taps = g.taps(), positions = g.positions(), run = g.channels / offset_groups;

  // Where every tap reads, in pixels of the input: [B, offsetGroups, taps, outH, outW]
  const Tensor moved = offset.to(type).reshape({g.batch, offset_groups, taps, 2, g.out_height, g.out_width});
  const auto axis = [&](int64_t out, int64_t kernel, int64_t step, int64_t pad, int64_t spread) {
    return std::make_pair(at::arange(kernel, options) * spread - pad, at::arange(out, options) * step);
  };
  const auto [tap_y, out_y] = axis(g.out_height, g.kernel.y, g.stride.y, g.padding.y, g.dilation.y);
  const auto [tap_x, out_x] = axis(g.out_width, g.kernel.x, g.stride.x, g.padding.x, g.dilation.x);
  const Tensor y = moved.select(3, 0) + tap_y.repeat_interleave(g.kernel.x).view({taps, 1, 1}) + out_y.view({1, -1, 1});
  const Tensor x = moved.select(3, 1) + tap_x.repeat({g.kernel.y}).view({taps, 1, 1}) + out_x.view({1, 1, -1});

  // grid_sampler wants (x, y) with -1 and 1 at the outer borders of the outer pixels (align_corners = false).
  const Tensor grid = at::stack({(2 * x + 1) / g.width - 1, (2 * y + 1) / g.height - 1}, -1)
                          .reshape({g.batch * offset_groups, taps * g.out_height, g.out_width, 2});
  const Tensor pictures = input.to(type).reshape({g.batch * offset_groups, run, g.height, g.width});
  Tensor columns =
      at::grid_sampler(pictures, grid, /*interpolation: bilinear*/ 0, /*padding: zeros*/ 0, /*align_corners*/ false)
          .reshape({g.batch, offset_groups, run, taps, positions});
  if (mask.has_value() && mask->defined())
    columns = columns * mask->to(type).reshape({g.batch, offset_groups, 1, taps, positions});

  // [B, groups, 1, O/groups, taps·C/groups] × [B, groups, taps·C/groups, positions]
  const Tensor matrices = weight.to(type).reshape({1, groups, g.group_out_channels(), g.group_channels() * taps});
  Tensor output = at::matmul(matrices, columns.reshape({g.batch, groups, g.group_channels() * taps, positions}))
                      .reshape({g.batch, g.out_channels, g.out_height, g.out_width});
  if (bias.has_value() && bias->defined()) output = output + bias->to(type).view({1, -1, 1, 1});
  return output.to(input.scalar_type()).contiguous(input.suggest_memory_format());
}

}  // namespace adsam
