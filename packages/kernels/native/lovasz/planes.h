#pragma once

#include <vector>

#include "lovasz/class_plane.h"
#include "lovasz/labels.h"

namespace adsam {

/**
 * The planes of all classes that occur, of one unit a picture or of all pictures together.
 * @param probabilities [B, C, H, W], dense
 * @param slopes as probabilities, or null, or the probabilities themselves; planes of classes that do not occur are not written
 * @param weight of the whole loss: the sum of the planes' shares
 */
template <typename T>
std::vector<ClassPlane<T>> class_planes(const T* probabilities, T* slopes, const CompactLabels& labels, bool per_image,
                                        double weight);

/** Σ share · loss over planes, and their slopes. Spread over the threads by planes, and by parts of planes where there
 * are few; the result depends on neither. */
double lovasz_of_planes(const std::vector<ClassPlane<float>>& planes);

/** The same in float64: a plain sort, for gradient checks. */
double lovasz_of_planes(const std::vector<ClassPlane<double>>& planes);

}  // namespace adsam
