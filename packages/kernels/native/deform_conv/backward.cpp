#include <ATen/Parallel.h>

#include <algorithm>
#include <optional>

#include "deform_conv/deform_conv.h"
#include "deform_conv/operands.h"
#include "deform_conv/strips.h"

/**
 * Backward of modulated deformable convolution on the CPU. A thread takes strips of output rows, tile by tile: it
 * multiplies the output's cotangent by a chunk of the weight into the columns' cotangents, spreads those over picture,
 * offset and mask in one pass that leaves the columns in their place, and multiplies these by the cotangent into the
 * weight's gradient. Nothing is added to by two threads: every sum has one order for a given number of threads.
 */
namespace adsam {
namespace {

/** The sums over all strips; empty where a gradient is not wanted. */
template <typename T>
struct Sums {
  PictureSums<T>* pictures = nullptr;
  ChunkWeightSums<T>* weights = nullptr;
  Tensor offset, mask;
  Tensor bias;  // [threads, O]

  bool through_columns() const { return pictures || offset.defined() || mask.defined(); }
};

/** Channels [first, first + channels) of the cotangent on `tile`, as rows [positions, channels] `stride` apart. */
template <typename T>
void load(const Tile2d& tile, const MapView<const T>& cotangent, int64_t first, int64_t channels, T* rows,
          int64_t stride) {
  const T* from = cotangent.data + tile.y * cotangent.row + tile.x * cotangent.column + first * cotangent.channel;
  for (int64_t r = 0; r < tile.height; ++r, from += cotangent.row, rows += tile.width * stride) {
    if (cotangent.channel == 1) {
      for (int64_t c = 0; c < tile.width; ++c)
        copy_run(from + c * cotangent.column, channels, rows + c * stride);
      continue;
    }
    for (int64_t o = 0; o < channels; ++o)
      for (int64_t c = 0; c < tile.width; ++c)
        rows[c * stride + o] = from[o * cotangent.channel + c * cotangent.column];
  }
}

/** sum[o] += Σ rows[p][o], first over the tile, so that long sums keep their digits. */
template <typename T>
void add_rows(const T* rows, int64_t count, int64_t channels, int64_t stride, T* tile_sum, T* sum) {
  std::fill(tile_sum, tile_sum + channels, T(0));
  for (int64_t p = 0; p < count; ++p)
    for (int64_t o = 0; o < channels; ++o) tile_sum[o] += rows[p * stride + o];
  for (int64_t o = 0; o < channels; ++o) sum[o] += tile_sum[o];
}

/** One thread's work. */
template <typename T>
class StripWorker {
 public:
  StripWorker(const DeformGeometry& g, const DeformOperands<T>& in, const std::vector<Chunk>& chunks,
              const ChunkWeights<T>* weights, const Tensor& cotangent, const Sums<T>& sums, int64_t thread,
              InstructionSet set)
      : g_(g), in_(in), chunks_(chunks), weights_(weights), cotangent_(cotangent), sums_(sums), thread_(thread),
        set_(set), outs_(g.group_out_channels()), row_stride_(outs_ + kRowGap),
        column_stride_(most_columns(chunks) + kRowGap) {
    const auto options = in.zeros.options();
    rows_ = at::empty({kTilePositions, row_stride_}, options);
    columns_ = at::empty({kTilePositions, column_stride_}, options);
    outside_ = at::zeros({g.channels}, options);
    bias_ = at::empty({outs_}, options);
  }

  void run(const Strip& strip) {
    const TileGrid grid(strip.begin, strip.end, g_.out_width);
    for (int64_t t = 0; t < grid.count(); ++t)
      for (size_t i = 0; i < chunks_.size(); ++i) {
        if (i == 0 || chunks_[i].run.group != chunks_[i - 1].run.group)
          begin_group(strip.picture, grid[t], chunks_[i].run.group);
        add_chunk(strip, grid[t], i);
      }
  }

 private:
  void begin_group(int64_t b, const Tile2d& tile, int64_t group) {
    T* rows = rows_.data_ptr<T>();
    load(tile, map_view<const T>(cotangent_, b), group * outs_, outs_, rows, row_stride_);
    if (sums_.bias.defined())
      add_rows(rows, tile.count(), outs_, row_stride_, bias_.data_ptr<T>(),
               sums_.bias.template data_ptr<T>() + thread_ * g_.out_channels + group * outs_);
  }

  void add_chunk(const Strip& strip, const Tile2d& tile, size_t i) {
    const Chunk& chunk = chunks_[i];
    const T* rows = rows_.data_ptr<T>();
    T* columns = columns_.data_ptr<T>();
    const ColumnJob<T> job = in_.job(g_, chunk, strip.picture, tile, columns, column_stride_);
    if (sums_.through_columns()) {
      const Panels<T>& weight = (*weights_)[i];
      multiply<T>(tile.count(), {rows, row_stride_}, weight, columns, column_stride_);
      PixelSums<T> pixels;
      if (sums_.pictures) pixels = sums_.pictures->of(strip, chunk.run.first, outside_.data_ptr<T>());
      const int64_t group_channels = g_.channels / g_.offset_groups;
      const TapGradients<T> taps{map_view<T>(sums_.offset, strip.picture), map_view<T>(sums_.mask, strip.picture),
                                 chunk.run.first % group_channels != 0};
      spread_columns<T>(job, sums_.pictures ? &pixels : nullptr, taps, sums_.weights != nullptr, set_);
    } else if (sums_.weights) {
      gather_columns(job, set_);
    }
    if (sums_.weights)
      multiply<T>(outs_, chunk.columns(), tile.count(), {rows, row_stride_, true}, columns, column_stride_,
                  sums_.weights->of(thread_, i), chunk.columns(), true, {}, set_);
  }

  const DeformGeometry& g_;
  const DeformOperands<T>& in_;
  const std::vector<Chunk>& chunks_;
  const ChunkWeights<T>* weights_;
  const Tensor& cotangent_;
  const Sums<T>& sums_;
  int64_t thread_;
  InstructionSet set_;
  int64_t outs_, row_stride_, column_stride_;
  Tensor rows_, columns_, outside_, bias_;
};

/** The layout of offset, dense: a convolution behind it that works channels-last gets its cotangent channels-last. */
Tensor empty_like_maps(const Tensor& maps, at::ScalarType type) {
  return at::empty(maps.sizes(), maps.options().dtype(type).memory_format(maps.suggest_memory_format()));
}

template <typename T>
DeformGradients backward(const DeformGeometry& g, const DeformOperands<T>& in, const Tensor& weight,
                         const Tensor& cotangent, std::array<bool, 5> wanted) {
  const auto type = c10::CppTypeToScalarType<T>::value;
  const InstructionSet set = deform_instruction_set();
  const std::vector<Chunk> chunks = column_chunks(g);
  const std::vector<Strip> strips = output_strips<T>(g, in.offset, at::get_num_threads());
  const int64_t count = static_cast<int64_t>(strips.size());
  const int64_t threads = std::min<int64_t>(at::get_num_threads(), count);

  Sums<T> sums;
  std::optional<PictureSums<T>> pictures;
  std::optional<ChunkWeightSums<T>> weight_sums;
  std::optional<ChunkWeights<T>> weights;
  if (wanted[0]) sums.pictures = &pictures.emplace(g, strips);
  if (wanted[1]) sums.weights = &weight_sums.emplace(g, chunks, std::max<int64_t>(threads, 1));
  if (wanted[2]) sums.offset = empty_like_maps(in.offset, type);
  if (wanted[3] && in.mask.defined()) sums.mask = empty_like_maps(in.mask, type);
  if (wanted[4]) sums.bias = at::zeros({threads, g.out_channels}, in.zeros.options());
  if (sums.through_columns()) weights.emplace(g, chunks, weight, true, set);

  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t thread = begin; thread < end; ++thread) {
      StripWorker<T> worker(g, in, chunks, weights ? &*weights : nullptr, cotangent, sums, thread, set);
      for (int64_t i = thread * count / threads; i < (thread + 1) * count / threads; ++i) worker.run(strips[i]);
    }
  });

  DeformGradients result;
  if (pictures) std::get<0>(result) = pictures->total();
  if (weight_sums) std::get<1>(result) = weight_sums->total(weight);
  std::get<2>(result) = sums.offset;
  std::get<3>(result) = sums.mask;
  if (wanted[4]) std::get<4>(result) = sums.bias.sum(0);
  return result;
}

}  // namespace

DeformGradients deform_conv2d_backward_cpu(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                           const Tensor& offset, const Optional<Tensor>& mask, IntArrayRef stride,
                                           IntArrayRef padding, IntArrayRef dilation, int64_t groups,
                                           int64_t offset_groups, std::array<bool, 5> wanted) {
  const auto g = deform_geometry(input, weight, offset, mask, {}, stride, padding, dilation, groups, offset_groups);
  const auto type = compute_type(input);
  const Tensor mask_ = value_or_undefined(mask);
  DeformGradients result;
  AT_DISPATCH_FLOATING_TYPES(type, "deform_conv2d_backward", [&] {
    result = backward<scalar_t>(g, DeformOperands<scalar_t>(g, input, offset, mask_), weight, gradient.to(type), wanted);
  });
  auto& [picture, weights, offsets, masks, bias] = result;
  if (picture.defined()) picture = channels_first(picture, deform_format(input)).to(input.scalar_type());
  if (weights.defined()) weights = weights.to(weight.scalar_type());
  if (offsets.defined()) offsets = offsets.to(offset.scalar_type());
  if (masks.defined()) masks = masks.to(mask_.scalar_type());
  if (bias.defined()) bias = bias.to(weight.scalar_type());
  return result;
}

}  // namespace adsam
