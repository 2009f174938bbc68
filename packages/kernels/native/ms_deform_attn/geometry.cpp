#include "ms_deform_attn/geometry.h"

#include <limits>

#include "common/check.h"

namespace adsam {

namespace {
constexpr const char* kOp = "ms_deform_attn";
}

AttentionGeometry attention_geometry(const Tensor& value, IntArrayRef spatial_shapes, const Tensor& sampling_locations,
                                     const Tensor& attention_weights) {
  check_rank(kOp, "value", "[B, S, nHeads, headDim]", value, 4);
  check_rank(kOp, "samplingLocations", "[B, Lq, nHeads, nLevels, nPoints, 2]", sampling_locations, 6);
  check_rank(kOp, "attentionWeights", "[B, Lq, nHeads, nLevels, nPoints]", attention_weights, 5);
  check_floating(kOp, "value", value);
  check_floating(kOp, "samplingLocations", sampling_locations);
  check_floating(kOp, "attentionWeights", attention_weights);
  check_same_device(kOp, "samplingLocations", sampling_locations, "value", value);
  check_same_device(kOp, "attentionWeights", attention_weights, "value", value);

  AttentionGeometry g{};
  g.batch = value.size(0), g.positions = value.size(1), g.heads = value.size(2), g.head_dim = value.size(3);
  ADSAM_CHECK(!spatial_shapes.empty() && spatial_shapes.size() % 2 == 0, c10::str(kOp, " spatialShapes"),
              c10::str(spatial_shapes.size(), " numbers"), "height and width of every level, flat",
              "Give [H0, W0, H1, W1, ...].");
  int64_t start = 0;
  for (size_t i = 0; i < spatial_shapes.size(); i += 2) {
    const int64_t height = spatial_shapes[i], width = spatial_shapes[i + 1];
    ADSAM_CHECK(height > 0 && width > 0 && height < std::numeric_limits<int32_t>::max() / width,
                c10::str(kOp, " spatialShapes"), spatial_shapes, "positive sizes, fewer than 2^31 positions a level",
                "Correct them.");
    g.levels.push_back({height, width, start});
    start += height * width;
  }
  ADSAM_CHECK(start == g.positions, c10::str(kOp, " value"), c10::str("shape ", value.sizes()),
              c10::str("[B, ", start, ", nHeads, headDim], the positions of spatialShapes ", spatial_shapes),
              "Lay the levels end to end in the order of spatialShapes.");
  g.queries = sampling_locations.size(1), g.points = sampling_locations.size(4);
  ADSAM_CHECK(g.heads > 0 && g.head_dim > 0, c10::str(kOp, " value"), c10::str("shape ", value.sizes()),
              "at least one head and one channel a head", "Check the layer's sizes.");
  check_shape(kOp, "samplingLocations", "[B, Lq, nHeads, nLevels, nPoints, 2]", sampling_locations,
              {g.batch, g.queries, g.heads, g.level_count(), g.points, 2},
              "Batch, heads and levels are those of value and spatialShapes.");
  check_shape(kOp, "attentionWeights", "[B, Lq, nHeads, nLevels, nPoints]", attention_weights,
              {g.batch, g.queries, g.heads, g.level_count(), g.points},
              "It needs one weight for each sampling location.");
  return g;
}

}  // namespace adsam
