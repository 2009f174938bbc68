#include <ATen/Parallel.h>

#include "hybrid_loss/hybrid_loss.h"
#include "hybrid_loss/pixel_terms.h"
#include "lovasz/planes.h"

/**
 * Two sweeps over the pixels with the ranking of the Lovász term between them. The first sums what the terms need and
 * writes the probabilities; the ranking puts its slopes in their place; the second computes the softmax again, which is
 * cheaper than to keep it, and puts the gradient in theirs. So one map of all classes is held beside the logits, and it
 * is the gradient in the end (a second one where the logits are channels-last).
 */
namespace adsam {
namespace {

constexpr int64_t kBlock = 32 * kTilePixels;  // pixels of one task, and of one partial sum, whatever the threads

/** What one task summed, or a picture. */
struct Sums {
  PixelSums pixels;
  std::vector<double> mass, overlap;  // [C]: Σ p_c, and Σ p_c over the pixels of the class

  explicit Sums(int64_t classes) : mass(classes, 0), overlap(classes, 0) {}
  void operator+=(const Sums& other) {
    pixels += other.pixels;
    for (size_t c = 0; c < mass.size(); ++c) mass[c] += other.mass[c], overlap[c] += other.overlap[c];
  }
};

template <typename T>
class Hybrid {
 public:
  Hybrid(const Tensor& logits, const Tensor& labels, const Tensor& distances, const HybridSettings& settings)
      : settings_(settings),
        channels_last_(!logits.is_contiguous() && logits.is_contiguous(at::MemoryFormat::ChannelsLast)),
        logits_(channels_last_ ? logits : logits.contiguous()),
        labels_(read_labels("hybrid_loss", labels, logits.size(1), settings.ignore_index)),
        terms_(settings, logits.size(1)),
        planar_(PixelLayout::contiguous(labels_.classes, labels_.pixels)),
        layout_(channels_last_ ? PixelLayout::channels_last(labels_.classes, labels_.pixels) : planar_),
        blocks_(at::divup(labels_.pixels, kBlock)) {
    if (settings.weights[kSurface] != 0) distances_ = distances.contiguous();
  }

  std::tuple<Tensor, Tensor, Tensor> run(bool with_gradient) {
    const auto options = logits_.options().dtype(c10::CppTypeToScalarType<T>::value);
    const bool lovasz = settings_.weights[kLovasz] != 0;
    Tensor map;  // [B, C, H, W]: probabilities, then slopes
    if (lovasz || with_gradient) map = at::empty(logits_.sizes(), options);
    T* const planes = map.defined() ? map.template data_ptr<T>() : nullptr;
    const std::vector<Sums> pictures = sum(lovasz ? planes : nullptr);

    std::array<double, kHybridTerms> values = evaluate(pictures);
    if (lovasz) {
      const double weight = settings_.weights[kLovasz];
      values[kLovasz] =
          lovasz_of_planes(class_planes(planes, with_gradient ? planes : nullptr, labels_, true, weight)) / weight;
    }
    double total = 0;
    for (int term = 0; term < kHybridTerms; ++term) total += settings_.weights[term] * values[term];
    const Tensor parts = at::empty({kHybridTerms}, options);
    std::copy(values.begin(), values.end(), parts.template data_ptr<T>());
    if (!with_gradient) return {at::full({}, total, options), parts, Tensor()};

    Tensor gradient = channels_last_ ? at::empty(logits_.sizes(), options, at::MemoryFormat::ChannelsLast) : map;
    differentiate(pictures, lovasz ? planes : nullptr, gradient.template data_ptr<T>());
    return {at::full({}, total, options), parts, gradient};
  }

 private:
  /** Calls visit(tile, picture, first pixel) for all tiles of the blocks [begin, end), softmax done. */
  template <typename Visit>
  void for_each_tile(int64_t block, Tile<T>& tile, const Visit& visit) const {
    const int64_t picture = block / blocks_, end = std::min((block % blocks_ + 1) * kBlock, labels_.pixels);
    for (int64_t first = block % blocks_ * kBlock; first < end; first += kTilePixels) {
      tile.count = std::min(kTilePixels, end - first);
      tile.labels = labels_.ids.data() + picture * labels_.pixels + first;
      if (distances_.defined())
        tile.distances = distances_.template data_ptr<float>() + picture * labels_.pixels + first;
      load_logits(logits_, layout_, picture, first, tile);
      softmax(tile);
      visit(picture, first);
    }
  }

  /** The first sweep: sums of each picture; `probabilities`, unless null, receives them. */
  std::vector<Sums> sum(T* probabilities) const {
    std::vector<Sums> of_block(labels_.batch * blocks_, Sums(labels_.classes));
    at::parallel_for(0, labels_.batch * blocks_, 1, [&](int64_t begin, int64_t end) {
      Tile<T> tile(labels_.classes);
      for (int64_t block = begin; block < end; ++block)
        for_each_tile(block, tile, [&](int64_t picture, int64_t first) {
          Sums& sums = of_block[block];
          add_pixels(terms_, tile, sums.pixels, sums.overlap.data());
          T* out = probabilities ? probabilities + picture * planar_.picture_stride + first : nullptr;
          spread_probabilities(tile, out, planar_.class_stride, sums.mass.data());
        });
    });
    std::vector<Sums> pictures(labels_.batch, Sums(labels_.classes));
    for (size_t block = 0; block < of_block.size(); ++block) pictures[block / blocks_] += of_block[block];
    return pictures;
  }

  /** 1 over the number of pixels that count, and over their class weights. */
  double mean_over_pixels() const {
    int64_t count = 0;
    for (const int64_t of_class : labels_.histogram) count += of_class;
    return 1.0 / static_cast<double>(std::max<int64_t>(count, 1));
  }
  double mean_over_weights() const {
    if (settings_.class_weights.empty()) return mean_over_pixels();
    double sum = 0;
    for (size_t i = 0; i < labels_.histogram.size(); ++i)
      sum += static_cast<double>(labels_.histogram[i]) * settings_.class_weights[i % labels_.classes];
    return 1.0 / std::max(sum, 1e-12);
  }
  double mean_over_elements() const {
    return 1.0 / (static_cast<double>(labels_.batch * labels_.classes) * static_cast<double>(labels_.pixels));
  }

  /** Dice's score of one class of one picture is (2 overlap + s) / size. */
  double dice_size(const std::vector<Sums>& pictures, int64_t picture, int64_t label) const {
    return pictures[picture].mass[label] + static_cast<double>(labels_.count(picture, label)) + settings_.dice_smooth;
  }
  double dice_score(const std::vector<Sums>& pictures, int64_t picture, int64_t label) const {
    return (2 * pictures[picture].overlap[label] + settings_.dice_smooth) / dice_size(pictures, picture, label);
  }

  /** All terms but the Lovász one. */
  std::array<double, kHybridTerms> evaluate(const std::vector<Sums>& pictures) const {
    PixelSums sums;
    double score = 0;
    for (int64_t picture = 0; picture < labels_.batch; ++picture) {
      sums += pictures[picture].pixels;
      for (int64_t label = 0; label < labels_.classes; ++label) score += dice_score(pictures, picture, label);
    }
    std::array<double, kHybridTerms> values{};
    values[kFocal] = sums.focal * mean_over_pixels();
    if (settings_.weights[kDice] != 0) values[kDice] = 1 - score / static_cast<double>(labels_.batch * labels_.classes);
    values[kSurface] = sums.surface * mean_over_elements();
    values[kCrossEntropy] = sums.cross_entropy * mean_over_weights();
    return values;
  }

  /** The second sweep. @param lovasz slopes by the probabilities, or null; where the gradient is planar, it is here */
  void differentiate(const std::vector<Sums>& pictures, const T* lovasz, T* gradient) const {
    const auto& weights = settings_.weights;
    at::parallel_for(0, labels_.batch * blocks_, 1, [&](int64_t begin, int64_t end) {
      Tile<T> tile(labels_.classes);
      T by_log[kTilePixels];
      PixelShares<T> shares{T(weights[kFocal] * mean_over_pixels()), T(weights[kCrossEntropy] * mean_over_weights()),
                            T(weights[kSurface] * mean_over_elements()), std::vector<T>(labels_.classes)};
      Slopes<T> slopes{std::vector<T>(labels_.classes), std::vector<const T*>(labels_.classes, nullptr)};
      for (int64_t block = begin; block < end; ++block) {
        const double dice = weights[kDice] / static_cast<double>(labels_.batch * labels_.classes);
        for (int64_t label = 0; label < labels_.classes; ++label) {
          const double size = dice_size(pictures, block / blocks_, label);
          slopes.everywhere[label] = static_cast<T>(dice * dice_score(pictures, block / blocks_, label) / size);
          shares.overlap[label] = static_cast<T>(-2 * dice / size);
        }
        for_each_tile(block, tile, [&](int64_t picture, int64_t first) {
          const T* here = lovasz ? lovasz + picture * planar_.picture_stride + first : nullptr;
          for (int64_t label = 0; here && label < labels_.classes; ++label)
            slopes.at_pixel[label] = labels_.count(picture, label) > 0 ? here + label * planar_.class_stride : nullptr;
          differentiate_pixels(terms_, shares, tile, by_log);
          chain(tile, slopes, by_log, layout_,
                gradient + picture * layout_.picture_stride + first * layout_.pixel_stride);
        });
      }
    });
  }

  const HybridSettings& settings_;
  const bool channels_last_;
  const Tensor logits_;
  const CompactLabels labels_;
  const PixelTerms<T> terms_;
  const PixelLayout planar_, layout_;  // of the map of all classes, and of the logits and their gradient
  const int64_t blocks_;               // of a picture
  Tensor distances_;
};

}  // namespace

std::tuple<Tensor, Tensor, Tensor> hybrid_loss_with_gradient_cpu(const Tensor& logits, const Tensor& labels,
                                                                 const Tensor& distances,
                                                                 const HybridSettings& settings, bool with_gradient) {
  check_hybrid(logits, labels, distances, settings);
  if (compute_type(logits) == at::kDouble)
    return Hybrid<double>(logits, labels, distances, settings).run(with_gradient);
  return Hybrid<float>(logits, labels, distances, settings).run(with_gradient);
}

}  // namespace adsam
