#include "lovasz/plane_ranking.h"

#include <algorithm>

namespace adsam {
namespace {

inline int bit_width(uint64_t value) { return value == 0 ? 0 : 64 - __builtin_clzll(value); }

}  // namespace

void PlaneRanking::begin(const ClassPlane<float>& plane, int64_t parts) {
  plane_ = plane;
  const int64_t size = plane.size();
  parts_.resize(parts);
  for (int64_t i = 0; i < parts; ++i) parts_[i] = {i * size / parts, (i + 1) * size / parts, {}, 0};
  if (size <= capacity_) return;
  collected_.reset(new uint64_t[size]);  // not a vector: nobody reads the zeros it would write
  ranked_.reset(new uint64_t[size]);
  capacity_ = size;
}

void PlaneRanking::measure(int64_t part) {
  Part& p = parts_[part];
  plane_.for_each_run(p.first, p.end, [&](int64_t index, int64_t place, int64_t count) {
    p.range = error_range(plane_.probabilities + place, plane_.labels + index, count, plane_.label, p.range);
  });
}

void PlaneRanking::settle() {
  range_ = {};
  for (const Part& part : parts_) {
    range_.least_of_class = std::min(range_.least_of_class, part.range.least_of_class);
    range_.greatest = std::max(range_.greatest, part.range.greatest);
  }
  const int bits = bit_width(range_.greatest - range_.least_of_class);
  bucket_bits_ = std::min({bits, kMostBucketBits, std::max(1, bit_width(plane_.size()) - 4)});
  shift_ = bits - bucket_bits_;
  counts_.assign(parts_.size() * buckets(), 0);
}

void PlaneRanking::collect(int64_t part) {
  Part& p = parts_[part];
  uint64_t* room = collected_.get() + p.first;
  const BucketCounts counts{shift_, counts_.data() + part * buckets()};
  p.collected = 0;
  plane_.for_each_run(p.first, p.end, [&](int64_t index, int64_t place, int64_t count) {
    p.collected += collect_errors(plane_.probabilities + place, plane_.labels + index, count, plane_.label, index,
                                  range_, plane_.slopes ? plane_.slopes + place : nullptr, room + p.collected, counts);
  });
}

void PlaneRanking::arrange() {
  cursors_.resize(parts_.size() * buckets());
  buckets_.resize(buckets());
  int64_t start = 0;
  JaccardState state{plane_.of_class, plane_.of_class};
  for (int64_t b = 0; b < buckets(); ++b) {
    Bucket& bucket = buckets_[b];
    bucket = {start, start, state, 0};
    for (size_t part = 0; part < parts_.size(); ++part) {
      const uint64_t packed = counts_[part * buckets() + b];
      const auto count = static_cast<int64_t>(packed & UINT32_MAX), of_class = static_cast<int64_t>(packed >> 32);
      cursors_[part * buckets() + b] = static_cast<uint32_t>(bucket.end);
      bucket.end += count;
      state.intersection -= of_class;
      state.reunion += count - of_class;
    }
    start = bucket.end;
  }
}

void PlaneRanking::scatter(int64_t part) {
  const Part& p = parts_[part];
  distribute(collected_.get() + p.first, p.collected, shift_, cursors_.data() + part * buckets(), ranked_.get());
}

void PlaneRanking::finish(int64_t part) {
  const int64_t total = buckets_.back().end, parts = static_cast<int64_t>(parts_.size());
  const int64_t first = part * total / parts, end = (part + 1) * total / parts;  // a bucket goes to where it starts
  const auto starts_before = [](const Bucket& bucket, int64_t place) { return bucket.start < place; };
  constexpr int64_t kFewPixels = 1024;
  uint64_t few[kFewPixels];
  auto bucket = std::lower_bound(buckets_.begin(), buckets_.end(), first, starts_before);
  for (; bucket != buckets_.end() && bucket->start < end; ++bucket) {
    const int64_t count = bucket->end - bucket->start;
    if (count == 0) continue;
    // What was collected is no longer wanted; but a bucket that fits there is sorted faster in the nearest cache.
    uint64_t* scratch = count <= kFewPixels ? few : collected_.get() + bucket->start;
    const uint64_t* pixels = sort_bucket(ranked_.get() + bucket->start, count, shift_, scratch);
    bucket->loss = walk_ranking(pixels, count, bucket->state, range_.greatest, plane_);
  }
}

double PlaneRanking::loss() const {
  double sum = 0;
  for (const Bucket& bucket : buckets_) sum += bucket.loss;
  return sum;
}

}  // namespace adsam
