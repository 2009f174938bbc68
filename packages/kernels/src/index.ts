export { type DeformConv2dOptions, deformConv2d, type Pair } from "./deform-conv2d.js";
export { distanceTransform } from "./distance-transform.js";
export { type LovaszSoftmaxOptions, lovaszSoftmax } from "./lovasz-softmax.js";
export { msDeformAttn } from "./ms-deform-attn.js";
export { type RelPosAttentionOptions, relPosAttention } from "./rel-pos-attention.js";
export { servesTokens, type TokenLayer, type TokenOptions, tokenLinear, tokenMlp } from "./token-linear.js";
