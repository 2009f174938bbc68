#pragma once

#include <algorithm>
#include <cstdint>

/** Lovász-softmax one class at a time: what is ranked, and where its slopes go. */
namespace adsam {

/** One class of one unit. A unit is what one Jaccard index is taken over: a picture, or the whole batch. */
template <typename T>
struct ClassPlane {
  const T* probabilities;  // of the class in the unit's first picture, row by row
  T* slopes;               // the same place of the gradient, or null; may be the probabilities themselves
  int64_t picture_stride;  // elements from the class's plane in one picture to that in the next
  const int16_t* labels;   // of the unit, CompactLabels::kIgnored where ignored
  int64_t pictures, pixels;
  int16_t label;
  int64_t of_class;  // pixels whose label is the class, at least one
  double share;      // of the class's loss in the whole: 1 / (classes present · units), times the term's weight

  int64_t size() const { return pictures * pixels; }

  /** Where the pixel numbered `index` in the unit stands in `probabilities` and `slopes`. */
  int64_t place(int64_t index) const {
    return pictures == 1 ? index : index / pixels * picture_stride + index % pixels;
  }

  /** Calls visit(first index, first place, count) for runs of [begin, end) that lie in one picture each. */
  template <typename Visit>
  void for_each_run(int64_t begin, int64_t end, const Visit& visit) const {
    while (begin < end) {
      const int64_t count = std::min(end - begin, pixels - begin % pixels);
      visit(begin, place(begin), count);
      begin += count;
    }
  }
};

/** Pixels of the class, and of the class or mistaken for it, while errors are walked from the greatest down. */
struct JaccardState {
  int64_t intersection, reunion;
};

/**
 * How much the Jaccard loss grows when a pixel joins the mistaken ones (Berman et al., "The Lovász-Softmax loss",
 * algorithm 1). The difference of two Jaccard indices is written out, so nothing cancels: 1/U for a pixel of the class,
 * I/(U(U+1)) for another.
 */
template <typename T>
inline __attribute__((always_inline)) T jaccard_growth(bool of_class, T intersection, T reunion) {
  return (of_class ? reunion + 1 : intersection) / (reunion * (reunion + 1));
}

}  // namespace adsam
