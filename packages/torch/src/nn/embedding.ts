import { empty } from "../generated/functions.js";
import { noGrad } from "../mode.js";
import type { Tensor } from "../tensor.js";
import { type Draw, normal_ } from "./init.js";
import { Module, parameter } from "./module.js";

export interface EmbeddingOptions extends Draw {
  /** A row that begins as zeros and receives no gradient. */
  readonly paddingIdx?: number;
}

/** A table of vectors: int64 [...] → [..., embeddingDim]. */
export class Embedding extends Module {
  /** [numEmbeddings, embeddingDim] */
  readonly weight: Tensor;
  readonly paddingIdx: number | undefined;

  constructor(
    readonly numEmbeddings: number,
    readonly embeddingDim: number,
    { paddingIdx, ...draw }: EmbeddingOptions = {},
  ) {
    super();
    this.paddingIdx = paddingIdx !== undefined && paddingIdx < 0 ? paddingIdx + numEmbeddings : paddingIdx;
    this.weight = parameter(empty([numEmbeddings, embeddingDim], { dtype: "float32" }));
    normal_(this.weight, draw);
    const row = this.paddingIdx;
    if (row === undefined) return;
    noGrad(() => {
      using zeroed = this.weight.select(0, row);
      zeroed.zero_();
    });
  }

  forward(indices: Tensor): Tensor {
    return this.weight.embedding(indices, { paddingIdx: this.paddingIdx });
  }
}
