#pragma once

#include <memory>
#include <vector>

#include "lovasz/class_plane.h"
#include "lovasz/ranked_pixels.h"

namespace adsam {

/**
 * The Lovász loss of one class in float32, in steps that may each be shared by several threads: a step's parts are
 * independent of each other, the steps follow one another. The result does not depend on the number of parts.
 *
 * measure → settle → collect → arrange → scatter → finish → loss. Pixels are ranked by a radix sort from the leading
 * bits down: as every bucket knows how many pixels and how many of the class come before it, buckets are finished alone.
 */
class PlaneRanking {
 public:
  /** Takes a plane up; memory is kept from one to the next. */
  void begin(const ClassPlane<float>& plane, int64_t parts);

  void measure(int64_t part);
  void settle();
  void collect(int64_t part);
  void arrange();
  void scatter(int64_t part);
  void finish(int64_t part);
  double loss() const;

 private:
  static constexpr int kMostBucketBits = 11;

  /** A contiguous part of the unit's pixels, and what it found. */
  struct Part {
    int64_t first, end;
    ErrorRange range;
    int64_t collected;
  };
  /** Pixels that have a bucket's leading bits; `state` is that of the walk when it gets there. */
  struct Bucket {
    int64_t start, end;
    JaccardState state;
    double loss;
  };

  int64_t buckets() const { return int64_t{1} << bucket_bits_; }

  ClassPlane<float> plane_;
  std::vector<Part> parts_;
  ErrorRange range_;
  int bucket_bits_ = 0, shift_ = 0;
  int64_t capacity_ = 0;
  std::unique_ptr<uint64_t[]> collected_, ranked_;  // each part's pixels at its own place; all of them by bucket
  std::vector<uint64_t> counts_;                    // [parts · buckets], see BucketCounts
  std::vector<uint32_t> cursors_;                   // [parts · buckets]
  std::vector<Bucket> buckets_;
};

}  // namespace adsam
