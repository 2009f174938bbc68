#include "dense_crf/dense_crf.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <vector>

#include "common/check.h"
#include "dense_crf/lattice.h"
#include "dense_crf/mean_field.h"
#include "dense_crf/simplex.h"

namespace adsam {
namespace {

constexpr int64_t kGrain = 4096;

/** Features of a picture's pixels: column and row, and where `colour` is given, red, green and blue. */
std::vector<float> pixel_features(const uint8_t* rgb, int64_t height, int64_t width, double sigma, double colour) {
  const int64_t dims = colour > 0 ? 5 : 2;
  std::vector<float> features(height * width * dims);
  const auto [near, like] = std::pair(static_cast<float>(sigma), static_cast<float>(colour));
  at::parallel_for(0, height * width, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* to = features.data() + i * dims;
      to[0] = i % width / near;
      to[1] = i / width / near;
      for (int64_t c = 2; c < dims; ++c) to[c] = rgb[i * 3 + c - 2] / like;
    }
  });
  return features;
}

/** A pairwise term: filtering normalised on both sides, by 1/√(what it makes of ones). */
struct Term {
  Lattice lattice;
  float weight;

  Term(const std::vector<float>& features, int64_t count, double weight_)
      : lattice(features.data(), count, static_cast<int>(features.size() / count)),
        weight(static_cast<float>(weight_)) {
    lattice.filter(std::vector<float>(count, 1.0f).data(), 1);
    std::vector<float> factors(count, 0.0f);
    at::parallel_for(0, count, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        lattice.add_filtered(i, 1.0f, &factors[i]);
        factors[i] = 1.0f / std::sqrt(factors[i] + 1e-20f);
      }
    });
    lattice.scale(factors);
  }
};

void check(const Tensor& probabilities, const Tensor& picture, const DenseCrfTerms& terms, int64_t iterations) {
  check_rank("dense_crf", "probabilities", "[C, H, W]", probabilities, 3);
  check_floating("dense_crf", "probabilities", probabilities);
  ADSAM_CHECK(probabilities.numel() > 0, "dense_crf probabilities", c10::str("shape ", probabilities.sizes()),
              "a class, a height and a width above 0", "There is nothing to smooth.");
  ADSAM_CHECK(picture.scalar_type() == at::kByte, "dense_crf picture", c10::str("dtype ", picture.scalar_type()),
              "uint8", "Give it the picture as it is, 0…255.");
  check_shape("dense_crf", "picture", "[H, W, 3]", picture, {probabilities.size(1), probabilities.size(2), 3},
              "Enlarge the probabilities to the picture's size.");
  for (const double sigma : {terms.gaussian_sigma, terms.bilateral_sigma, terms.bilateral_colour})
    ADSAM_CHECK(sigma > 0 && std::isfinite(sigma), "dense_crf deviation", sigma, "a number above 0",
                "Deviations are pixels and steps of colour.");
  for (const double weight : {terms.gaussian_weight, terms.bilateral_weight})
    ADSAM_CHECK(weight >= 0 && std::isfinite(weight), "dense_crf weight", weight, "0 or more", "0 leaves a term out.");
  ADSAM_CHECK(iterations >= 0, "dense_crf iterations", iterations, "0 or more", "10 are usual.");
}

}  // namespace

Tensor dense_crf_cpu(const Tensor& probabilities, const Tensor& picture, const DenseCrfTerms& terms,
                     int64_t iterations) {
  check(probabilities, picture, terms, iterations);
  const Tensor given = dense(probabilities.detach(), at::kFloat), colours = picture.contiguous();
  const int64_t classes = given.size(0), height = given.size(1), width = given.size(2), area = height * width;
  const RowLayout layout{classes, at::divup(classes, 4) * 4};
  Tensor unary = at::zeros({area, layout.stride}, given.options()), marginals = at::empty_like(unary);
  auto *log_given = unary.data_ptr<float>(), *rows = marginals.data_ptr<float>();
  const auto* rgb = colours.data_ptr<uint8_t>();
  std::vector<Term> pairwise;
  if (terms.gaussian_weight > 0 && iterations > 0)
    pairwise.emplace_back(pixel_features(rgb, height, width, terms.gaussian_sigma, 0), area, terms.gaussian_weight);
  if (terms.bilateral_weight > 0 && iterations > 0)
    pairwise.emplace_back(pixel_features(rgb, height, width, terms.bilateral_sigma, terms.bilateral_colour), area,
                          terms.bilateral_weight);
  // Potts: a class gains by the weight of like neighbours what it would lose by unlike ones, but for the same number
  // for all.
  const auto update = [&](bool first) {
    at::parallel_for(0, area, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        float *own = log_given + i * layout.stride, *row = rows + i * layout.stride;
        if (first) log_row(given.data_ptr<float>() + i, area, layout, own);
        std::copy_n(own, layout.stride, row);
        if (!first)
          for (const Term& term : pairwise) term.lattice.add_filtered(i, term.weight, row);
        softmax_row(layout, row);
      }
    });
  };
  update(true);
  for (int64_t step = 0; step < iterations; ++step) {
    for (Term& term : pairwise) term.lattice.filter(rows, layout.stride);
    update(false);
  }
  return marginals.narrow(1, 0, classes).view({height, width, classes}).permute({2, 0, 1});
}

Tensor permutohedral_filter_cpu(const Tensor& values, const Tensor& features) {
  check_rank("permutohedral_filter", "values", "[N, C]", values, 2);
  check_rank("permutohedral_filter", "features", "[N, d]", features, 2);
  check_floating("permutohedral_filter", "values", values);
  check_floating("permutohedral_filter", "features", features);
  ADSAM_CHECK(features.size(0) == values.size(0), "permutohedral_filter features", c10::str(features.size(0), " rows"),
              c10::str(values.size(0), ", one for each row of values"), "Give each place its features.");
  ADSAM_CHECK(features.size(1) >= 1 && features.size(1) <= kMostDims, "permutohedral_filter features",
              c10::str(features.size(1), " a place"), c10::str("1 to ", kMostDims), "Leave some out.");
  const Tensor in = dense(values.detach(), at::kFloat), where = dense(features.detach(), at::kFloat);
  Tensor out = at::zeros(in.sizes(), in.options());
  if (in.numel() == 0) return out;
  Lattice lattice(where.data_ptr<float>(), in.size(0), static_cast<int>(where.size(1)));
  lattice.filter(in.data_ptr<float>(), in.size(1));
  at::parallel_for(0, in.size(0), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) lattice.add_filtered(i, 1.0f, out.data_ptr<float>() + i * in.size(1));
  });
  return out;
}

}  // namespace adsam
