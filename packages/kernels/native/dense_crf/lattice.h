#pragma once

#include <cstdint>
#include <vector>

namespace adsam {

/** What a place gives to a vertex of the simplex around it. */
struct Share {
  int32_t place;
  float weight;
};

/**
 * Gaussian filtering of `count` places in a space of few dimensions in time linear in `count`: values are splatted onto
 * the vertices of the permutohedral lattice that lie around the places, blurred there along each of its axes, and read
 * again (Adams, Baek & Davis 2010). The result is Σ_j exp(−|f_i − f_j|²/2) v_j, itself included, within the lattice's
 * approximation; it does not depend on the number of threads.
 */
class Lattice {
 public:
  /** @param features [count, dims], each divided by its deviation; dims 1…kMostDims */
  Lattice(const float* features, int64_t count, int dims);

  int64_t vertices() const { return vertices_; }

  /** Multiplies each place's values by its factor, on the way in and on the way out. */
  void scale(const std::vector<float>& factors);

  /** Splats values [count, stride] and blurs them; they are read by `add_filtered` until the next call. */
  void filter(const float* values, int64_t stride);

  /** out[c] += factor · (the filtered values of a place)[c], c < stride. */
  void add_filtered(int64_t place, float factor, float* out) const;

 private:
  void gather_shares();
  void splat(const float* values);
  void blur(int axis);

  int64_t count_, vertices_ = 0, stride_ = 0;
  int dims_;
  float gain_;
  std::vector<int32_t>
      corner_;  // [count, dims + 1] → vertex, from 1: row 0 of a map stands for what is not there, and is 0
  std::vector<float> corner_weight_;  // [count, dims + 1]
  std::vector<int64_t> first_share_;  // [vertices + 2] → where the shares of a vertex begin
  std::vector<Share> shares_;         // [count · (dims + 1)], of a vertex in the order of their places
  std::vector<int32_t> up_, down_;    // [dims + 1, vertices + 1] → neighbours
  std::vector<float> map_, blurred_;  // [vertices + 1, stride]
};

}  // namespace adsam
