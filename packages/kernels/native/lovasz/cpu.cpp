#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lovasz/lovasz.h"
#include "lovasz/ranking.h"

/**
 * Lovász-softmax on the CPU. A unit is what one Jaccard index is taken over: a picture, or the whole batch. Every
 * (unit, class present) is a task of its own, so memory is two rankings a thread, and the result does not depend on how
 * many threads there are.
 */
namespace adsam {
namespace {

constexpr int32_t kIgnored = -1;

/** Labels as checked 32-bit class numbers, kIgnored where ignored, and how many pixels each class has in each picture.
 */
struct Labels {
  int64_t classes, pixels;         // pixels of one picture
  std::vector<int32_t> of_pixel;   // [B · H·W]
  std::vector<int64_t> histogram;  // [B · C]
};

template <typename L>
Labels read_labels(const Tensor& tensor, int64_t classes, int64_t ignore_index) {
  const Tensor labels = tensor.contiguous();
  const int64_t batch = labels.size(0), pixels = labels.size(1) * labels.size(2);
  Labels result{classes, pixels, std::vector<int32_t>(batch * pixels), std::vector<int64_t>(batch * classes)};
  const L* source = labels.data_ptr<L>();
  at::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t p = b * pixels; p < (b + 1) * pixels; ++p) {
        const int64_t label = source[p];
        if (label == ignore_index) {
          result.of_pixel[p] = kIgnored;
          continue;
        }
        if (label < 0 || label >= classes) refuse_label(label, classes, ignore_index);
        result.of_pixel[p] = static_cast<int32_t>(label);
        ++result.histogram[b * classes + label];
      }
  });
  return result;
}

/** One class of one unit, and its weight in the mean. */
struct Task {
  int64_t first_picture, pictures, label;
  int64_t of_class;  // pixels whose label is the class
  double share;      // 1 / (classes present · units)
};

std::vector<Task> tasks_of(const Labels& labels, int64_t batch, bool per_image) {
  const int64_t units = per_image ? batch : 1, pictures = per_image ? 1 : batch;
  std::vector<Task> tasks;
  for (int64_t unit = 0; unit < units; ++unit) {
    const size_t first = tasks.size();
    for (int64_t label = 0; label < labels.classes; ++label) {
      int64_t count = 0;
      for (int64_t b = unit * pictures; b < (unit + 1) * pictures; ++b)
        count += labels.histogram[b * labels.classes + label];
      if (count > 0) tasks.push_back({unit * pictures, pictures, label, count, 0});
    }
    for (size_t i = first; i < tasks.size(); ++i)
      tasks[i].share = 1.0 / static_cast<double>((tasks.size() - first) * units);
  }
  return tasks;
}

/** Loss of one task; writes its gradient unless `gradient` is null. */
template <typename T>
double run(const Task& task, const Labels& labels, const T* probabilities, T* gradient,
           std::vector<RankedPixel<T>>& pixels, std::vector<RankedPixel<T>>& scratch) {
  const int64_t first = task.first_picture * labels.pixels;
  const auto at = [&](int64_t index) {  // element of [B, C, H, W] for a pixel of the unit
    const int64_t picture = task.first_picture + index / labels.pixels;
    return (picture * labels.classes + task.label) * labels.pixels + index % labels.pixels;
  };
  pixels.clear();
  for (int64_t picture = 0; picture < task.pictures; ++picture) {
    const T* map = probabilities + at(picture * labels.pixels);
    const int32_t* label = labels.of_pixel.data() + first + picture * labels.pixels;
    for (int64_t p = 0; p < labels.pixels; ++p) {
      if (label[p] == kIgnored) continue;
      const auto index = static_cast<uint32_t>(picture * labels.pixels + p);
      if (label[p] == task.label)
        pixels.push_back({std::abs(1 - map[p]), index | RankedPixel<T>::kOfClass});
      else
        pixels.push_back({std::abs(map[p]), index});
    }
  }
  rank_by_error(pixels, scratch);
  double loss = 0;
  walk_ranking(pixels, task.of_class, [&](const RankedPixel<T>& pixel, double weight) {
    loss += weight * static_cast<double>(pixel.error);
    if (!gradient) return;
    const int64_t element = at(pixel.index());
    const T slope = probabilities[element] - T(pixel.of_class());  // the error is its absolute value
    gradient[element] = static_cast<T>(weight * task.share) * T((slope > 0) - (slope < 0));
  });
  return loss;
}

template <typename T>
void run_all(const std::vector<Task>& tasks, const Labels& labels, const Tensor& probabilities, Tensor& loss,
             Tensor& gradient) {
  const T* in = probabilities.data_ptr<T>();
  T* out = gradient.defined() ? gradient.data_ptr<T>() : nullptr;
  std::vector<double> losses(tasks.size());
  at::parallel_for(0, static_cast<int64_t>(tasks.size()), 1, [&](int64_t begin, int64_t end) {
    std::vector<RankedPixel<T>> pixels, scratch;
    pixels.reserve(labels.pixels * tasks[begin].pictures);
    for (int64_t i = begin; i < end; ++i) losses[i] = run(tasks[i], labels, in, out, pixels, scratch);
  });
  double sum = 0;
  for (size_t i = 0; i < tasks.size(); ++i) sum += losses[i] * tasks[i].share;
  loss.fill_(sum);
}

}  // namespace

std::tuple<Tensor, Tensor> lovasz_softmax_with_gradient_cpu(const Tensor& probabilities, const Tensor& labels,
                                                            int64_t ignore_index, bool per_image, bool with_gradient) {
  check_lovasz(probabilities, labels);
  const auto type = lovasz_type(probabilities);
  const int64_t classes = probabilities.size(1);
  const Labels read = labels.scalar_type() == at::kLong ? read_labels<int64_t>(labels, classes, ignore_index)
                                                        : read_labels<uint8_t>(labels, classes, ignore_index);
  const auto tasks = tasks_of(read, probabilities.size(0), per_image);
  const Tensor in = dense(probabilities, type);
  Tensor loss = at::empty({}, in.options()), gradient;
  if (with_gradient) gradient = at::zeros(in.sizes(), in.options());
  AT_DISPATCH_FLOATING_TYPES(type, "lovasz_softmax", [&] { run_all<scalar_t>(tasks, read, in, loss, gradient); });
  return {loss, gradient};
}

}  // namespace adsam
