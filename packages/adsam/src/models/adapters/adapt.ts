import { type nn, Problem } from "@adsam/torch";
import type { ImageEncoder } from "../encoders.js";
import { Attention as WindowAttention } from "../mobile-sam/attention.js";
import { Mlp as TinyMlp } from "../mobile-sam/block.js";
import { Attention } from "../sam/attention.js";
import { Block, Mlp } from "../sam/block.js";
import { AdaptFormer } from "./adaptformer.js";
import { ConvLora } from "./conv-lora.js";
import { LoraQkv } from "./lora.js";

export type AdapterKind = "lora" | "convlora" | "adaptformer";

/** As in SAMed. */
const loraRank = 4;
/** As in G-SAM's comparison: of a head's channels. */
const convLoraRatio = 0.25;
/** As in AdaptFormer's paper. */
const adaptFormerWidth = 64;

/**
 * Puts small trained layers into every transformer block of an encoder, whose own weights stay as they are, and frozen. The
 * embedding does not change until they are trained.
 * @param dim rank of LoRA and ConvLoRA, or the width of AdaptFormer's bottleneck
 * @throws Problem for an encoder without such blocks
 */
export function adapt(encoder: ImageEncoder, kind: AdapterKind, dim?: number): void {
  if ([...encoder.stateDict().keys()].some(isAdapterName))
    throw new Problem({ what: `adapter ${kind}`, found: "an encoder that has adapters", expected: "one without" });
  encoder.requiresGrad_(false);
  const places = [...encoder.modules()].filter(([, module]) => adaptModule(module, kind, dim));
  if (places.length === 0)
    throw new Problem({
      what: `adapter ${kind}`,
      found: encoder.constructor.name,
      expected:
        kind === "convlora" ? "a ViT of SAM's, whose attention keeps its maps" : "an encoder of transformer blocks",
    });
}

/** @returns whether the adapter has its place in this module */
function adaptModule(module: nn.Module, kind: AdapterKind, dim: number | undefined): boolean {
  if (kind === "lora") {
    if (!(module instanceof Attention || module instanceof WindowAttention) || module.qkv instanceof LoraQkv)
      return false;
    const { numHeads } = module;
    const layout =
      module instanceof Attention ? { order: "qkv first" as const } : { order: "heads first" as const, numHeads };
    module.qkv = new LoraQkv(module.qkv, dim ?? loraRank, layout);
    return true;
  }
  if (kind === "convlora") {
    if (!(module instanceof Block)) return false;
    const headDim = module.attn.qkv.weight.size(1) / module.attn.numHeads;
    const change = () => new ConvLora(headDim, dim ?? Math.floor(headDim * convLoraRatio));
    [module.lora_q, module.lora_k, module.lora_v] = [change(), change(), change()];
    return true;
  }
  if (!(module instanceof Mlp || module instanceof TinyMlp)) return false;
  const width = module instanceof Mlp ? module.lin1.inFeatures : module.fc1.inFeatures;
  module.adapter = new AdaptFormer(width, dim ?? adaptFormerWidth);
  return true;
}

/** Whether a state-dict name is an adapter's, and not the encoder's own. */
export function isAdapterName(name: string): boolean {
  return /\.(linear_[ab]_[qv]|adapter|lora_[qkv])\./.test(name);
}
