export { type DeformConv2dOptions, deformConv2d, type Pair } from "./deform-conv2d.js";
export { boundarySquares, distanceTransform } from "./distance-transform.js";
export { type HybridLossOptions, hybridLoss } from "./hybrid-loss.js";
export { type LovaszSoftmaxOptions, lovaszSoftmax } from "./lovasz-softmax.js";
export { msDeformAttn } from "./ms-deform-attn.js";
