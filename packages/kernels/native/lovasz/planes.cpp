#include "lovasz/planes.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "lovasz/plane_ranking.h"

namespace adsam {

template <typename T>
std::vector<ClassPlane<T>> class_planes(const T* probabilities, T* slopes, const CompactLabels& labels, bool per_image,
                                        double weight) {
  const int64_t units = per_image ? labels.batch : 1, pictures = labels.batch / units;
  std::vector<ClassPlane<T>> planes;
  for (int64_t unit = 0; unit < units; ++unit) {
    const size_t first = planes.size();
    for (int64_t label = 0; label < labels.classes; ++label) {
      int64_t of_class = 0;
      for (int64_t b = unit * pictures; b < (unit + 1) * pictures; ++b) of_class += labels.count(b, label);
      if (of_class == 0) continue;
      const int64_t place = (unit * pictures * labels.classes + label) * labels.pixels;
      planes.push_back({probabilities + place, slopes ? slopes + place : nullptr, labels.classes * labels.pixels,
                        labels.ids.data() + unit * pictures * labels.pixels, pictures, labels.pixels,
                        static_cast<int16_t>(label), of_class, 0});
    }
    for (size_t i = first; i < planes.size(); ++i)
      planes[i].share = weight / static_cast<double>((planes.size() - first) * units);
  }
  return planes;
}

template std::vector<ClassPlane<float>> class_planes(const float*, float*, const CompactLabels&, bool, double);
template std::vector<ClassPlane<double>> class_planes(const double*, double*, const CompactLabels&, bool, double);

namespace {

using Planes = std::vector<ClassPlane<float>>;

/** With fewer planes a thread, some threads would wait long for the last ones: planes are shared instead. */
constexpr int64_t kPlanesAThread = 4;

/** Every thread ranks whole planes and takes the next when it is done, as planes differ in how much there is to rank.
 * Memory is one plane's pixels a thread, twice. */
void rank_alone(const Planes& planes, int64_t threads, std::vector<double>& losses) {
  std::atomic<size_t> next{0};
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
    PlaneRanking ranking;
    for (size_t i = next++; i < planes.size(); i = next++) {
      ranking.begin(planes[i], 1);
      ranking.measure(0);
      ranking.settle();
      ranking.collect(0);
      ranking.arrange();
      ranking.scatter(0);
      ranking.finish(0);
      losses[i] = ranking.loss();
    }
  });
}

/** All threads take the steps of a few planes together. */
void rank_together(const Planes& planes, int64_t threads, std::vector<double>& losses) {
  const auto count = static_cast<int64_t>(planes.size());
  const int64_t rounds = at::divup(count, std::max<int64_t>(1, threads / kPlanesAThread));
  const int64_t parts = std::min(threads, at::divup(planes[0].size(), 4096));
  std::vector<PlaneRanking> rankings(at::divup(count, rounds));
  for (int64_t first = 0; first < count; first += static_cast<int64_t>(rankings.size())) {
    const int64_t here = std::min(static_cast<int64_t>(rankings.size()), count - first);
    const auto each_part = [&](void (PlaneRanking::*step)(int64_t)) {
      at::parallel_for(0, here * parts, 1, [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) (rankings[task / parts].*step)(task % parts);
      });
    };
    const auto each_plane = [&](void (PlaneRanking::*step)()) {
      at::parallel_for(0, here, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) (rankings[i].*step)();
      });
    };
    for (int64_t i = 0; i < here; ++i) rankings[i].begin(planes[first + i], parts);
    each_part(&PlaneRanking::measure);
    each_plane(&PlaneRanking::settle);
    each_part(&PlaneRanking::collect);
    each_plane(&PlaneRanking::arrange);
    each_part(&PlaneRanking::scatter);
    each_part(&PlaneRanking::finish);
    for (int64_t i = 0; i < here; ++i) losses[first + i] = rankings[i].loss();
  }
}

template <typename T>
double weighted_sum(const std::vector<ClassPlane<T>>& planes, const std::vector<double>& losses) {
  double sum = 0;
  for (size_t i = 0; i < planes.size(); ++i) sum += losses[i] * planes[i].share;
  return sum;
}

}  // namespace

double lovasz_of_planes(const Planes& planes) {
  if (planes.empty()) return 0;
  std::vector<double> losses(planes.size());
  const int64_t threads = at::get_num_threads();
  const bool enough = static_cast<int64_t>(planes.size()) >= kPlanesAThread * threads;
  (threads == 1 || enough ? rank_alone : rank_together)(planes, threads, losses);
  return weighted_sum(planes, losses);
}

namespace {

struct RankedPixel {
  double error, slope;  // |[label = class] − p| and its derivative by p
  int64_t index;
  bool of_class;
};

double rank_plainly(const ClassPlane<double>& plane) {
  std::vector<RankedPixel> pixels;
  pixels.reserve(plane.size());
  for (int64_t index = 0; index < plane.size(); ++index) {
    if (plane.labels[index] < 0) continue;
    const bool of_class = plane.labels[index] == plane.label;
    const double above = plane.probabilities[plane.place(index)] - of_class;
    pixels.push_back({std::abs(above), static_cast<double>((above > 0) - (above < 0)), index, of_class});
  }
  std::stable_sort(pixels.begin(), pixels.end(), [](const auto& a, const auto& b) {
    return std::isnan(a.error) ? !std::isnan(b.error) : a.error > b.error;
  });
  if (plane.slopes)
    plane.for_each_run(0, plane.size(), [&](int64_t, int64_t place, int64_t count) {
      std::fill_n(plane.slopes + place, count, 0.0);
    });
  double loss = 0;
  JaccardState state{plane.of_class, plane.of_class};
  for (const RankedPixel& pixel : pixels) {
    const double weight = jaccard_growth<double>(pixel.of_class, state.intersection, state.reunion);
    loss += weight * pixel.error;
    if (plane.slopes) plane.slopes[plane.place(pixel.index)] = weight * plane.share * pixel.slope;
    if (pixel.of_class)
      --state.intersection;
    else
      ++state.reunion;
  }
  return loss;
}

}  // namespace

double lovasz_of_planes(const std::vector<ClassPlane<double>>& planes) {
  std::vector<double> losses(planes.size());
  at::parallel_for(0, static_cast<int64_t>(planes.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) losses[i] = rank_plainly(planes[i]);
  });
  return weighted_sum(planes, losses);
}

}  // namespace adsam
