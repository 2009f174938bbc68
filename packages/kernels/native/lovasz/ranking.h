#pragma once

#include <cstdint>
#include <vector>

/** One class of a Lovász-softmax: rank its pixels by error, then weigh each error by what its rank does to the Jaccard
 * index. */
namespace adsam {

/** A pixel of the ranking: its error |[label = class] − p|, and where it is. */
template <typename T>
struct RankedPixel {
  T error;
  uint32_t place;  // index among the pixels of the unit; the top bit says that the label is the class

  static constexpr uint32_t kOfClass = 1u << 31;
  bool of_class() const { return place & kOfClass; }
  uint32_t index() const { return place & ~kOfClass; }
};

/** Sorts by error, greatest first (NaN before all); equal errors keep their order. `scratch` grows to the same size and
 * is left undefined. */
template <typename T>
void rank_by_error(std::vector<RankedPixel<T>>& pixels, std::vector<RankedPixel<T>>& scratch);

/**
 * Walks a ranking from the greatest error down and calls visit(pixel, weight), where weight is the growth of the
 * Jaccard loss when the pixel joins the mistaken ones (Berman et al., "The Lovász-Softmax loss", algorithm 1). The
 * difference of two Jaccard indices is written out, so nothing cancels: 1/U for a pixel of the class, I/(U(U+1)) for
 * another.
 */
template <typename T, typename Visit>
void walk_ranking(const std::vector<RankedPixel<T>>& pixels, int64_t of_class, const Visit& visit) {
  double intersection = static_cast<double>(of_class), reunion = intersection;
  for (const auto& pixel : pixels) {
    if (pixel.of_class()) {
      visit(pixel, 1.0 / reunion);
      intersection -= 1;
    } else {
      visit(pixel, intersection / (reunion * (reunion + 1)));
      reunion += 1;
    }
  }
}

}  // namespace adsam
