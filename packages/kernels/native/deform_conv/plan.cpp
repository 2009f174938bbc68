#include "deform_conv/plan.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include "common/check.h"

namespace adsam {
namespace {

// Columns of a chunk: enough for the product to run at full speed, few enough that a tile's stay in the second cache.
constexpr int64_t kChunkColumns = 576;
// Channels of a chunk: the pixels that the taps of a tile share stay in the second cache too.
constexpr int64_t kChunkChannels = 256;
constexpr int64_t kChannelStep = 16;
constexpr int64_t kTileWidth = 16;

/** Strides of a weight's element (o, c, tap) in some tensor [O, C/groups, kH, kW]. */
struct WeightView {
  int64_t out, channel, row, column, kernel_width;

  WeightView(const Tensor& weight)
      : out(weight.stride(0)),
        channel(weight.stride(1)),
        row(weight.stride(2)),
        column(weight.stride(3)),
        kernel_width(weight.size(3)) {}

  int64_t at(int64_t o, int64_t c, int64_t tap) const {
    return o * out + c * channel + tap / kernel_width * row + tap % kernel_width * column;
  }
};

}  // namespace

std::vector<Chunk> column_chunks(const DeformGeometry& g) {
  std::vector<Chunk> chunks;
  for (const ChannelRun& run : g.channel_runs()) {
    const int64_t parts = at::divup(run.count, kChunkChannels);
    const int64_t part = at::divup(at::divup(run.count, parts), kChannelStep) * kChannelStep;
    for (int64_t c = 0; c < run.count; c += part) {
      const ChannelRun piece{run.offset_group, run.group, run.first + c, std::min(part, run.count - c)};
      const int64_t most = std::max<int64_t>(1, kChunkColumns / piece.count), times = at::divup(g.taps(), most);
      for (int64_t i = 0; i < times; ++i) {
        const int64_t first = i * g.taps() / times;
        chunks.push_back({piece, first, (i + 1) * g.taps() / times - first});
      }
    }
  }
  return chunks;
}

TileGrid::TileGrid(int64_t begin, int64_t end, int64_t width) : begin_(begin), end_(end), width_(width) {
  const int64_t height = std::max<int64_t>(1, end - begin);
  const int64_t rows = std::min(height, std::max<int64_t>(1, kTilePositions / std::min(width, kTileWidth)));
  rows_ = at::divup(height, rows);
  columns_ = at::divup(width, kTilePositions / at::divup(height, rows_));
}

Tile2d TileGrid::operator[](int64_t i) const {
  const auto cut = [](int64_t size, int64_t parts, int64_t part) { return part * size / parts; };
  const int64_t row = i / columns_, column = i % columns_, height = end_ - begin_;
  const int64_t y = cut(height, rows_, row), x = cut(width_, columns_, column);
  return {begin_ + y, x, cut(height, rows_, row + 1) - y, cut(width_, columns_, column + 1) - x};
}

template <typename T>
ChunkWeights<T>::ChunkWeights(const DeformGeometry& g, const std::vector<Chunk>& chunks, const Tensor& weight_,
                              bool transposed, InstructionSet set) {
  const Tensor weight = weight_.to(c10::CppTypeToScalarType<T>::value);
  const WeightView view(weight);
  const T* from = weight.data_ptr<T>();
  const int64_t outs = g.group_out_channels();
  std::vector<int64_t> first(chunks.size() + 1, 0);
  for (size_t i = 0; i < chunks.size(); ++i) {
    const int64_t columns = chunks[i].columns();
    first[i + 1] =
        first[i] + (transposed ? Panels<T>::size(outs, columns, set) : Panels<T>::size(columns, outs, set));
  }
  storage_ = at::empty({first.back()}, weight.options().memory_format(at::MemoryFormat::Contiguous));
  T* storage = storage_.data_ptr<T>();
  panels_.resize(chunks.size());
  at::parallel_for(0, static_cast<int64_t>(chunks.size()), 1, [&](int64_t begin, int64_t end) {
    std::vector<T> matrix;  // [O/groups, taps·channels]
    for (int64_t i = begin; i < end; ++i) {
      const Chunk& chunk = chunks[i];
      const int64_t columns = chunk.columns();
      const int64_t first_out = chunk.run.group * outs, first_channel = chunk.run.first % g.group_channels();
      matrix.resize(outs * columns);
      for (int64_t o = 0; o < outs; ++o)
        for (int64_t t = 0; t < chunk.taps; ++t) {
          const T* source = from + view.at(first_out + o, first_channel, chunk.first_tap + t);
          T* to = matrix.data() + o * columns + t * chunk.run.count;
          for (int64_t c = 0; c < chunk.run.count; ++c) to[c] = source[c * view.channel];
        }
      panels_[i] = transposed
                       ? Panels<T>::pack(storage + first[i], matrix.data(), outs, columns, columns, false, set)
                       : Panels<T>::pack(storage + first[i], matrix.data(), columns, outs, columns, true, set);
    }
  });
}

template <typename T>
ChunkWeightSums<T>::ChunkWeightSums(const DeformGeometry& g, const std::vector<Chunk>& chunks, int64_t threads)
    : g_(g), chunks_(chunks), threads_(threads), size_(0) {
  for (const Chunk& chunk : chunks) {
    first_.push_back(size_);
    size_ += g.group_out_channels() * chunk.columns();
  }
  sums_ = at::zeros({threads, size_}, at::TensorOptions().dtype(c10::CppTypeToScalarType<T>::value));
}

template <typename T>
Tensor ChunkWeightSums<T>::total(const Tensor& like) const {
  const Tensor result =
      at::empty({g_.out_channels, g_.group_channels(), g_.kernel.y, g_.kernel.x},
                sums_.options().memory_format(like.suggest_memory_format()));
  const WeightView view(result);
  T* to = result.data_ptr<T>();
  const int64_t outs = g_.group_out_channels();
  at::parallel_for(0, static_cast<int64_t>(chunks_.size()) * outs, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const size_t i = task / outs;
      const Chunk& chunk = chunks_[i];
      const int64_t columns = chunk.columns(), o = task % outs;
      T* sum = of(0, i) + o * columns;
      for (int64_t thread = 1; thread < threads_; ++thread) {
        const T* part = of(thread, i) + o * columns;
        for (int64_t c = 0; c < columns; ++c) sum[c] += part[c];
      }
      for (int64_t t = 0; t < chunk.taps; ++t) {
        T* row = to + view.at(chunk.run.group * outs + o, chunk.run.first % g_.group_channels(), chunk.first_tap + t);
        for (int64_t c = 0; c < chunk.run.count; ++c) row[c * view.channel] = sum[t * chunk.run.count + c];
      }
    }
  });
  return result;
}

template class ChunkWeights<float>;
template class ChunkWeights<double>;
template class ChunkWeightSums<float>;
template class ChunkWeightSums<double>;

namespace {
std::atomic<InstructionSet>& deform_set() {
  static std::atomic<InstructionSet> set = set_in_use();
  return set;
}
}  // namespace

InstructionSet deform_instruction_set() { return deform_set(); }

std::string use_deform_instruction_set(std::string_view name) {
  const InstructionSet set = name.empty() ? set_in_use() : set_named("deform_conv2d instruction set", name);
  deform_set() = set;
  return name_of(set);
}

}  // namespace adsam
