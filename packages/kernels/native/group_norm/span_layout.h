#pragma once

#include <vector>

#include "common/tensors.h"

namespace adsam {

/** A part of one picture: `count` elements from `first` on (in elements of the whole batch). */
struct Span {
  int64_t picture, channel, first, count;  // channel: of all elements where the map is row-major; 0 channels-last
};

/**
 * How a dense map [B, C, H, W] falls into spans (spans.h), the same ones for any number of threads, so that sums over
 * spans always run in one order.
 */
class SpanLayout {
 public:
  SpanLayout(const Tensor& map, at::MemoryFormat format);

  int64_t batch, channels, pixels;
  /** Length of the tables. */
  int64_t period;

  int64_t spans() const { return batch * spans_in_picture_; }
  Span span(int64_t index) const;

  /** One number for each channel of the batch [B·C] → one for each element of a span's period. */
  template <typename T>
  std::vector<T> table(const Span& span, const std::vector<T>& of_channel) const {
    const T* from = of_channel.data() + span.picture * channels + span.channel;
    std::vector<T> result(period);
    for (int64_t i = 0, c = 0; i < period; ++i) {
      result[i] = from[c];
      if (channels_last_ && ++c == channels) c = 0;
    }
    return result;
  }

  /** Numbers a span sums up: one for each channel it has. */
  int64_t summed() const { return channels_last_ ? channels : 1; }
  /** Sums over the period → sums over channels, [summed()]. */
  void fold(const std::vector<double>& of_period, double* of_channel) const;
  /** Sums of all spans [spans(), summed()] → sums of every channel of the batch [B·C]. */
  std::vector<double> total(const std::vector<double>& of_span) const;

 private:
  bool channels_last_;
  int64_t spans_in_picture_, step_;  // step_: elements of a span that is not the last of its run
  int64_t run_;                      // elements one after another that spans cut: a picture, or a channel of it
};

}  // namespace adsam
