import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

/** The two pairwise terms of a dense CRF: neighbours that are near, and neighbours that are near and of like colour. */
export interface DenseCrfOptions {
  readonly gaussian: {
    /** Deviation in pixels. */
    readonly sigma: number;
    /** What an unlike label costs; 0 leaves the term out. */
    readonly weight: number;
  };
  readonly bilateral: {
    /** Deviation in pixels. */
    readonly sigma: number;
    /** Deviation in steps of 8-bit colour. */
    readonly colour: number;
    readonly weight: number;
  };
  readonly iterations: number;
}

/**
 * What AD-SAM's authors set (github HettyPatel/AD-SAM: `crf_postprocess.py`, called by `train.py --apply_crf` with 10 iterations). Two mistakes
 * of theirs are not followed: they take the softmax of probabilities once more, and colours from the picture as the network sees it, normalised and
 * cut off at 0 and 1.
 */
export const authorsDenseCrf: DenseCrfOptions = {
  gaussian: { sigma: 5, weight: 3 },
  bilateral: { sigma: 5, colour: 13, weight: 10 },
  iterations: 10,
};

/**
 * Mean-field marginals of a fully connected CRF with Potts costs (Krähenbühl & Koltun, NIPS 2011): each pixel's probabilities drawn to
 * those of pixels near by, and more so to those of like colour. Filters are those of the permutohedral lattice, normalised on both
 * sides, as in pydensecrf's defaults. On the CPU.
 *
 * At 2048×1024 and 19 classes it takes about 1 GB of memory for the time of the call.
 *
 * @param probabilities [C, H, W], floating, on the CPU; those below 1e-5 count as 1e-5
 * @param picture uint8 [H, W, 3]
 * @returns float32 [C, H, W], channels-last
 * @throws Error for other shapes and dtypes, deviations not above 0 and negative weights
 */
export function denseCrf(probabilities: Tensor, picture: Tensor, options: DenseCrfOptions = authorsDenseCrf): Tensor {
  const { gaussian, bilateral, iterations } = options;
  const terms = [gaussian.sigma, gaussian.weight, bilateral.sigma, bilateral.colour, bilateral.weight];
  return callKernel("dense_crf", [probabilities, picture, ...terms, iterations]) as Tensor;
}

/**
 * Σ_j exp(−|f_i − f_j|²/2) v_j over all places j, i itself included, approximately and in linear time: the permutohedral lattice of
 * Adams, Baek & Davis (Eurographics 2010).
 *
 * @param values [N, C]
 * @param features [N, d], each divided by its deviation; 1 to 7 a place
 * @returns float32 [N, C]
 */
export function permutohedralFilter(values: Tensor, features: Tensor): Tensor {
  return callKernel("permutohedral_filter", [values, features]) as Tensor;
}
