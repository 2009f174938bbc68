import { Problem } from "@adsam/torch";
import type { ImageEncoder } from "../encoders.js";
import { Attention as WindowAttention } from "../mobile-sam/attention.js";
import { Mlp as TinyMlp } from "../mobile-sam/block.js";
import { Attention } from "../sam/attention.js";
import { Mlp } from "../sam/block.js";
import { AdaptFormer } from "./adaptformer.js";
import { LoraQkv } from "./lora.js";

export type AdapterKind = "lora" | "adaptformer";

/** The size of an adapter where none is said: LoRA's rank as in SAMed, AdaptFormer's bottleneck as in its paper. */
export const defaultAdapterDim: Readonly<Record<AdapterKind, number>> = { lora: 4, adaptformer: 64 };

/**
 * Puts small trained layers into every transformer block of an encoder, whose own weights stay as they are, and frozen. The
 * embedding does not change until they are trained.
 * @param dim LoRA's rank, or the width of AdaptFormer's bottleneck
 * @throws Problem for an encoder without such blocks
 */
export function adapt(encoder: ImageEncoder, kind: AdapterKind, dim: number = defaultAdapterDim[kind]): void {
  if ([...encoder.stateDict().keys()].some(isAdapterName))
    throw new Problem({ what: `adapter ${kind}`, found: "an encoder that has adapters", expected: "one without" });
  encoder.requiresGrad_(false);
  let places = 0;
  for (const [, module] of [...encoder.modules()]) {
    if (kind === "lora" && module instanceof Attention && !(module.qkv instanceof LoraQkv))
      module.qkv = new LoraQkv(module.qkv, dim, { order: "qkv first" });
    else if (kind === "lora" && module instanceof WindowAttention && !(module.qkv instanceof LoraQkv))
      module.qkv = new LoraQkv(module.qkv, dim, { order: "heads first", numHeads: module.numHeads });
    else if (kind === "adaptformer" && module instanceof Mlp)
      module.adapter = new AdaptFormer(module.lin1.inFeatures, dim);
    else if (kind === "adaptformer" && module instanceof TinyMlp)
      module.adapter = new AdaptFormer(module.fc1.inFeatures, dim);
    else continue;
    places++;
  }
  if (places === 0)
    throw new Problem({
      what: `adapter ${kind}`,
      found: `${encoder.constructor.name}, which has no transformer block`,
    });
}

/** Whether a state-dict name is an adapter's, and not the encoder's own. */
export function isAdapterName(name: string): boolean {
  return /\.(linear_[ab]_[qv]|adapter)\./.test(name);
}
