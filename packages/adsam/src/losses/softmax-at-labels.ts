import { customFunction, type Tensor } from "@adsam/torch";

/** Where the labels point, and which of them count. */
export interface LabelView {
  /** [B, H, W] int64, 0 … C − 1; anything in that range where ignored. */
  readonly labelIndex: Tensor;
  /** [B, H, W] bool. */
  readonly ignored: Tensor;
  /** [B, H, W], 1 where a pixel counts, 0 where it is ignored; the dtype of the logits. */
  readonly valid: Tensor;
}

/**
 * Softmax over the classes with the two reductions that the losses need, and one derivative for all three. What costs time and memory
 * is a map of all classes (80 MB at 19 × 1024 × 1024): forward makes one and works in it, backward makes one more.
 *
 * With p the probabilities, t a pixel's label and v its validity, the cotangents P of p, l of log p_t (0 where ignored) and m of
 * Σ v·p give
 *
 *     D = P + m v        dz_c = p_c (D_c − Σ_k p_k D_k − l) + [c = t] l
 *
 * @param logits [B, C, H, W], float32 or float64
 * @returns probabilities [B, C, H, W]; log-probability of the label [B, H, W], 0 where ignored; class mass [B, C] = Σ v·p
 */
export function softmaxAtLabels(logits: Tensor, view: LabelView): readonly [Tensor, Tensor, Tensor] {
  return customFunction<readonly [Tensor], readonly [Tensor, Tensor, Tensor]>("softmaxAtLabels", {
    forward(context, z) {
      const { labelIndex, ignored, valid } = view;
      const [b, c, h, w] = z.dims4("logits");
      const shifted = z.sub(z.amax({ dim: 1, keepdim: true })).contiguous(); // [B, C, H, W]; becomes the probabilities in place
      const atLabel = shifted.gather(1, labelIndex.unsqueeze(1)); // [B, 1, H, W]
      const sum = shifted.exp_().sum(1, { keepdim: true });
      const logProbability = atLabel.sub_(sum.log()).squeeze(1).maskedFill_(ignored, 0); // [B, H, W]
      const probabilities = shifted.div_(sum);
      const mass = probabilities.view([b, c, h * w]).bmm(valid.view([b, h * w, 1])); // [B, C, 1]
      // The output itself would keep its own history alive; its alias does not.
      context.saved = [probabilities.detach(), labelIndex, ignored, valid];
      return [probabilities, logProbability, mass.squeeze(2)];
    },

    backward({ saved }, dProbabilities, dLogProbability, dMass) {
      const [p, labelIndex, ignored, valid] = saved as [Tensor, Tensor, Tensor, Tensor];
      const l = dLogProbability?.maskedFill(ignored, 0).unsqueeze(1); // [B, 1, H, W]
      let gradient: Tensor; // [B, C, H, W], changed in place
      if (dProbabilities || dMass) {
        const [b, c] = p.dims4("probabilities");
        gradient = dMass ? dMass.view([b, c, 1, 1]).mul(valid.unsqueeze(1)) : dProbabilities!.mul(p);
        if (dMass && dProbabilities) gradient.add_(dProbabilities);
        if (dMass) gradient.mul_(p);
        const inner = gradient.sum(1, { keepdim: true }); // [B, 1, H, W]
        gradient.addcmul_(p, l ? inner.add_(l) : inner, { value: -1 });
      } else if (l) gradient = p.mul(l).neg_();
      else return [undefined];
      if (l) gradient.scatterAdd_(1, labelIndex.unsqueeze(1), l);
      return [gradient];
    },
  })(logits);
}
