export { type Conv3x3Options, conv3x3 } from "./conv3x3.js";
export { cudaCapability, GraphedForward } from "./cuda-graph.js";
export { type DeformConv2dOptions, deformConv2d, type Pair } from "./deform-conv2d.js";
export { distanceTransform } from "./distance-transform.js";
export { type GroupNormOptions, groupNorm } from "./group-norm.js";
export { type LovaszSoftmaxOptions, lovaszSoftmax } from "./lovasz-softmax.js";
export { msDeformAttn } from "./ms-deform-attn.js";
