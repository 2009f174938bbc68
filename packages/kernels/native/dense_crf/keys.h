#pragma once

#include "dense_crf/simplex.h"

namespace adsam {

/**
 * Vertices of the lattice as 64-bit numbers. The coordinates of a vertex leave one remainder r when divided by d + 1,
 * so r and the d quotients say all; the quotients stand in fields just wide enough for those that occur and their
 * neighbours, so that a step to a neighbour is one addition.
 */
class Keys {
 public:
  /** @param least, most of each quotient that occurs; throws where the fields do not fit into 63 bits */
  Keys(int dims, const int32_t* least, const int32_t* most);

  /** The key of each vertex of a simplex, by remainder: d + 1 of them. */
  void of(const Simplex& simplex, int64_t* keys) const {
    int coordinate_of_rank[kMostDims + 1];
    int64_t key = 0;
    for (int i = 0; i <= dims_; ++i) coordinate_of_rank[simplex.rank[i]] = i;
    for (int i = 0; i < dims_; ++i) key += (simplex.cell[i] - origin_[i]) * step_[i];
    keys[0] = key;
    for (int r = 1; r <= dims_; ++r) keys[r] = key = key + remainder_step_ - step_[coordinate_of_rank[dims_ + 1 - r]];
  }

  /** The neighbour along an axis, 0…d: every coordinate goes up by one, that of the axis down by d. */
  int64_t neighbour(int64_t key, int axis) const {
    const bool carries = (key >> remainder_shift_) == dims_;
    return key + (carries ? all_steps_ - dims_ * remainder_step_ : remainder_step_) - step_[axis];
  }

 private:
  int dims_, remainder_shift_;
  int64_t remainder_step_, all_steps_ = 0;
  int32_t origin_[kMostDims];
  int64_t step_[kMostDims + 1];  // the last coordinate follows from the others: it has no field
};

}  // namespace adsam
