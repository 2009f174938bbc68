#include "conv3x3/weights.h"

#include <ATen/Parallel.h>

#include <cstring>

#include "common/gemm_bodies.h"
#include "common/layout.h"
#include "conv3x3/patches.h"

namespace adsam::winograd {
namespace {

constexpr int64_t kMostLanes = 16;
constexpr int64_t kRowGrain = 4;

bool is_channels_last(const Tensor& weight) { return weight.permute({0, 2, 3, 1}).is_contiguous(); }

/** Row `in` of the 36 matrices, columns [first, first + vectors · lanes), of which those below `out` exist. */
template <typename T>
void transform_row(const Transforms<T>& run, const WeightView<T>& weight, int64_t in, int64_t first, Step<T> step,
                   int64_t vectors) {
  const T* from = weight.data + in * weight.in_stride + first;
  const int64_t whole = std::min(vectors, (weight.out - first) / run.lanes);
  step.in = from, step.in_row = weight.tap_row, step.in_column = weight.tap_column, step.vectors = whole;
  run.weight(step);
  if (whole == vectors) return;

  alignas(64) T taps[9 * kMostLanes] = {};
  const int64_t count = weight.out - first - whole * run.lanes;
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 3; ++j)
      std::memcpy(taps + (3 * i + j) * run.lanes,
                  from + whole * run.lanes + i * weight.tap_row + j * weight.tap_column, count * sizeof(T));
  step.in = taps, step.in_row = 3 * run.lanes, step.in_column = run.lanes, step.vectors = 1;
  step.out += whole * run.lanes;
  run.weight(step);
}

}  // namespace

template <typename T>
WeightView<T> WeightView<T>::forward(const Tensor& weight, Tensor& storage) {
  const int64_t out = weight.size(0), in = weight.size(1);
  const bool taps_first = is_channels_last(weight);
  const Tensor matrix = taps_first ? weight.permute({0, 2, 3, 1}) : weight.contiguous();
  // [O, 9·C] → [9·C, O]
  storage = channels_last(matrix.view({1, out, 1, 9 * in}), weight.scalar_type());
  const int64_t tap = taps_first ? in * out : out;
  return {storage.data_ptr<T>(), in, out, taps_first ? out : 9 * out, 3 * tap, tap};
}

template <typename T>
WeightView<T> WeightView<T>::backward(const Tensor& weight, Tensor& storage) {
  const int64_t out = weight.size(0), in = weight.size(1);
  storage = channels_last(weight, weight.scalar_type());  // [O, 3, 3, C]
  return {storage.data_ptr<T>() + 8 * in, out, in, 9 * in, -3 * in, -in};
}

template <typename T>
TransformedWeights<T>::TransformedWeights(int64_t in, int64_t most_out, InstructionSet set)
    : set_(set),
      in_(in),
      columns_(filled_up(most_out, transforms<T>(set).lanes)),
      stride_(Panels<T>::size(in, columns_, set) + 64 / static_cast<int64_t>(sizeof(T))),
      storage_(c10::GetAllocator(c10::DeviceType::CPU)->allocate(kPlanes * stride_ * sizeof(T))) {}

template <typename T>
void TransformedWeights<T>::set(const WeightView<T>& weight) {
  const auto& run = transforms<T>(set_);
  columns_ = filled_up(weight.out, run.lanes);
  const PanelSplit split(columns_, gemm_body<T>(set_));
  at::parallel_for(0, in_, kRowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t panel = 0; panel < split.count; ++panel)
      for (int64_t in = begin; in < end; ++in) {
        T* out = data() + in_ * split.first_column(panel) + in * split.width(panel);
        const Step<T> step{nullptr, 0, 0, out, kPatch * stride_, stride_};
        transform_row(run, weight, in, split.first_column(panel), step, split.panel_vectors(panel));
      }
  });
}

template struct WeightView<float>;
template struct WeightView<double>;
template class TransformedWeights<float>;
template class TransformedWeights<double>;

}  // namespace adsam::winograd
