#include "group_norm/span_layout.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace adsam {
namespace {

// Long enough that a loop over it pays, short enough that tables and sums stay in the first-level cache.
constexpr int64_t kLeastPeriod = 256;
// A span's work outweighs handing it to a thread; a picture's spans are enough for many threads.
constexpr int64_t kLeastSpan = 1 << 15;
constexpr int64_t kMostSpans = 256;

}  // namespace

SpanLayout::SpanLayout(const Tensor& map, at::MemoryFormat format)
    : batch(map.size(0)),
      channels(map.size(1)),
      pixels(map.size(2) * map.size(3)),
      channels_last_(format == at::MemoryFormat::ChannelsLast) {
  run_ = channels_last_ ? pixels * channels : pixels;
  const int64_t unit = channels_last_ ? channels : 1;
  period = std::min(run_, at::divup(kLeastPeriod, unit) * unit);
  step_ = at::divup(std::max(kLeastSpan, pixels * channels / kMostSpans), unit) * unit;
  spans_in_picture_ = at::divup(run_, step_) * (channels_last_ ? 1 : channels);
}

Span SpanLayout::span(int64_t index) const {
  const int64_t picture = index / spans_in_picture_, place = index % spans_in_picture_;
  const int64_t cuts = at::divup(run_, step_), channel = place / cuts, offset = place % cuts * step_;
  return {picture, channel, picture * pixels * channels + channel * run_ + offset, std::min(step_, run_ - offset)};
}

void SpanLayout::fold(const std::vector<double>& of_period, double* of_channel) const {
  std::fill_n(of_channel, summed(), 0);
  for (int64_t i = 0; i < period; ++i) of_channel[channels_last_ ? i % channels : 0] += of_period[i];
}

std::vector<double> SpanLayout::total(const std::vector<double>& of_span) const {
  std::vector<double> result(batch * channels);
  for (int64_t index = 0; index < spans(); ++index) {
    const Span part = span(index);
    double* sums = result.data() + part.picture * channels + part.channel;
    for (int64_t c = 0; c < summed(); ++c) sums[c] += of_span[index * summed() + c];
  }
  return result;
}

}  // namespace adsam
