import { cat, nn, type Tensor, zeros } from "@adsam/torch";

/** Enlargements at which the experts look. */
const scales = [1, 2, 3, 4] as const;

/**
 * One expert: a 3×3 convolution of the map enlarged `scale` times, sampled back at the map's own pixels, nearest neighbours both ways. Enlarged
 * twice or more, all scales see the same: the pixel before, and the pixel itself under the two other taps. So there it is a 2×2 convolution.
 */
class Expert extends nn.Module {
  readonly conv: nn.Conv2d;

  constructor(
    dim: number,
    private readonly scale: number,
  ) {
    super();
    this.conv = new nn.Conv2d(dim, dim, { kernelSize: 3, padding: 1 });
  }

  /** [G, R, h, w] → [G, R, h, w] */
  forward(x: Tensor): Tensor {
    if (this.scale === 1) return this.conv.call(x);
    const { weight, bias } = this.conv;
    const merged = [2, 3].reduce((w, axis) => {
      const tap = (at: number) => w.narrow(axis, at, 1);
      return cat([tap(0), tap(1).add(tap(2))], { dim: axis });
    }, weight); // [R, R, 2, 2]
    return nn.functional.pad(x, { left: 1, top: 1 }).conv2d(merged, { bias });
  }
}

/** How much each expert counts at a pixel: [G, R, h, w] → [G, experts, h, w], together 1. */
class Gate extends nn.Module {
  readonly conv: nn.Conv2d;

  constructor(dim: number, experts: number) {
    super();
    this.conv = new nn.Conv2d(dim, experts, { kernelSize: 3, padding: 1 });
  }

  forward(x: Tensor): Tensor {
    return this.conv.call(x).relu().softmax(1);
  }
}

/**
 * A low-rank change with a gated mixture of convolutions between its factors (Zhong et al. 2024, Conv-LoRA), of queries, keys or values: every
 * head's map passes it by itself. Layers, numbers and names are those of the code of G-SAM's comparison (`lora_A`, `lora_B`, `expert1` …
 * `expert4`, `gate`; github usagisukisuki/G-SAM). It begins without effect: the second factor is zero.
 */
export class ConvLora extends nn.Module {
  /** [D, R] */
  readonly lora_A: Tensor;
  /** [R, D] */
  readonly lora_B: Tensor;
  readonly expert1: Expert;
  readonly expert2: Expert;
  readonly expert3: Expert;
  readonly expert4: Expert;
  readonly gate: Gate;

  /** @param headDim D @param rank R, the width between the factors */
  constructor(
    headDim: number,
    private readonly rank: number,
  ) {
    super();
    this.lora_A = nn.parameter(zeros([headDim, rank]));
    this.lora_B = nn.parameter(zeros([rank, headDim]));
    const [one, two, three, four] = scales;
    this.expert1 = new Expert(rank, one);
    this.expert2 = new Expert(rank, two);
    this.expert3 = new Expert(rank, three);
    this.expert4 = new Expert(rank, four);
    this.gate = new Gate(rank, scales.length);
    nn.init.kaimingUniform_(this.lora_A, { a: Math.sqrt(5) });
  }

  /** @param maps [G, h, w, D] → what is added to them, of the same shape */
  forward(maps: Tensor): Tensor {
    const x = maps.matmul(this.lora_A).permute([0, 3, 1, 2]); // [G, h, w, R] → [G, R, h, w]
    const gate = this.gate.call(x);
    const experts = [this.expert1, this.expert2, this.expert3, this.expert4];
    const mixed = experts
      .map((expert, i) => expert.call(x).mul(gate.narrow(1, i, 1)))
      .reduce((sum, one) => sum.add(one));
    return mixed
      .permute([0, 2, 3, 1])
      .matmul(this.lora_B)
      .div(2 * this.rank); // 1/R as theirs, and half of that is added
  }
}

/** What changes the queries, the keys and the values of a block. */
export type QkvChanges = readonly [q: ConvLora, k: ConvLora, v: ConvLora];

/** @param qkv [G, h, w, 3·C], windows or whole maps → the same, changed */
export function changeQkv(qkv: Tensor, changes: QkvChanges, numHeads: number): Tensor {
  const [g, h, w] = qkv.dims4("qkv");
  const parts = qkv.reshape([g, h, w, 3, numHeads, -1]);
  const changed = changes.map((change, part) => {
    const heads = parts.select(3, part).permute([0, 3, 1, 2, 4]); // [G, h, w, nHeads, D] → [G, nHeads, h, w, D]
    return change
      .call(heads.flatten({ startDim: 0, endDim: 1 }))
      .unflatten(0, [g, numHeads])
      .permute([0, 2, 3, 1, 4]); // [G, nHeads, h, w, D] → [G, h, w, nHeads, D]
  });
  return qkv.add(
    cat(
      changed.map((part) => part.flatten({ startDim: 3 })),
      { dim: -1 },
    ),
  );
}
