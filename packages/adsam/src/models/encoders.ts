import { type nn, Problem, type Tensor } from "@adsam/torch";
import { type SamEncoderConfig, samEncoders } from "./sam/config.js";
import { SamImageEncoder } from "./sam/image-encoder.js";

/** What every image encoder is built from: enough for whoever stands behind it. */
export type EncoderConfig = SamEncoderConfig;

/** An encoder by its name in the registry, or by its sizes. */
export type EncoderSpec = EncoderName | EncoderConfig;

/** A network from pictures to SAM's embedding: [B, 3, H, W] → [B, outChans, H/patchSize, W/patchSize]. */
export type ImageEncoder = nn.Module & {
  readonly config: EncoderConfig;
  forward(image: Tensor): Tensor;
  call(image: Tensor): Tensor;
};

/** Every encoder that has a name. `nano` is for demonstrations and tests, and pretrained by no one. */
export const encoders = samEncoders satisfies Record<string, EncoderConfig>;

export type EncoderName = keyof typeof encoders;
export const encoderNames = Object.keys(encoders) as EncoderName[];

/** @throws Problem for a name that the registry does not hold */
export function encoderConfig(encoder: EncoderSpec): EncoderConfig {
  if (typeof encoder !== "string") return encoder;
  if (Object.hasOwn(encoders, encoder)) return encoders[encoder];
  throw new Problem({ what: "image encoder", found: `"${encoder}"`, expected: `one of ${encoderNames.join(", ")}` });
}

/** An encoder with first weights by the default generator. */
export function buildEncoder(encoder: EncoderSpec): ImageEncoder {
  return new SamImageEncoder(encoderConfig(encoder));
}
