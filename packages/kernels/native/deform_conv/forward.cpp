#include <ATen/Parallel.h>

#include <algorithm>

#include "deform_conv/deform_conv.h"
#include "deform_conv/operands.h"
#include "deform_conv/plan.h"

/**
 * Modulated deformable convolution on the CPU. Output positions are cut into tiles; a thread reads a tile's columns, a
 * chunk of them at a time, and multiplies each chunk by the weights at once, while it is in its cache. Threads never
 * wait for each other, memory is a tile's a thread, and no sum depends on the number of threads.
 */
namespace adsam {
namespace {

/** sums [positions, channels] → channels [first, first + channels) of the output. */
template <typename T>
void store(const Tile2d& tile, const T* sums, int64_t channels, const MapView<T>& output, int64_t first) {
  if (output.channel == 1) {
    for (int64_t r = 0; r < tile.height; ++r)
      for (int64_t c = 0; c < tile.width; ++c, sums += channels)
        copy_run(sums, channels, output.data + (tile.y + r) * output.row + (tile.x + c) * output.column + first);
    return;
  }
  for (int64_t o = 0; o < channels; ++o)
    for (int64_t r = 0, p = 0; r < tile.height; ++r) {
      T* row = output.data + (first + o) * output.channel + (tile.y + r) * output.row + tile.x * output.column;
      for (int64_t c = 0; c < tile.width; ++c, ++p) row[c * output.column] = sums[p * channels + o];
    }
}

template <typename T>
void forward(const DeformGeometry& g, const DeformOperands<T>& in, const Tensor& weight, const Tensor& bias,
             Tensor& output) {
  const InstructionSet set = deform_instruction_set();
  const std::vector<Chunk> chunks = column_chunks(g);
  const ChunkWeights<T> weights(g, chunks, weight, false, set);
  const TileGrid grid(0, g.out_height, g.out_width);
  const int64_t outs = g.group_out_channels(), stride = most_columns(chunks) + kRowGap;
  at::parallel_for(0, g.batch * grid.count(), 1, [&](int64_t begin, int64_t end) {
    const Tensor columns = at::empty({kTilePositions, stride}, in.zeros.options());
    const Tensor sums = at::empty({kTilePositions, outs}, in.zeros.options());
    T *column = columns.data_ptr<T>(), *sum = sums.data_ptr<T>();
    for (int64_t task = begin; task < end; ++task) {
      const int64_t b = task / grid.count();
      const Tile2d tile = grid[task % grid.count()];
      for (size_t i = 0; i < chunks.size(); ++i) {
        const int64_t group = chunks[i].run.group;
        const bool first = i == 0 || chunks[i - 1].run.group != group;
        const bool last = i + 1 == chunks.size() || chunks[i + 1].run.group != group;
        gather_columns(in.job(g, chunks[i], b, tile, column, stride), set);
        Epilogue<T> epilogue;
        if (last && bias.defined()) epilogue.bias = bias.data_ptr<T>() + group * outs;
        multiply<T>(tile.count(), {column, stride}, weights[i], sum, outs, !first, epilogue);
        if (last) store(tile, sum, outs, map_view<T>(output, b), group * outs);
      }
    }
  });
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
    forward<scalar_t>(g, DeformOperands<scalar_t>(g, input, offset, value_or_undefined(mask)), weight, bias_row,
                      output);
  });
  return output.to(input.scalar_type());
}

}  // namespace adsam
