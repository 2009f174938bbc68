import { existsSync } from "node:fs";
import { type nn, Problem, type Tensor } from "@adsam/torch";
import { type EncoderName, encoderNames, isEncoderName } from "./encoder-names.js";
import { mobileSamConfig, type TinyVitConfig } from "./mobile-sam/config.js";
import { TinyVit } from "./mobile-sam/tiny-vit.js";
import { encoderOf } from "./published/encoder-config.js";
import { type SamEncoderConfig, samEncoders } from "./sam/config.js";
import { SamImageEncoder } from "./sam/image-encoder.js";

export { type EncoderName, encoderNames } from "./encoder-names.js";

/** What an image encoder is built from. All have `imageSize`, `patchSize` and `outChans`, which is enough for whoever stands behind one. */
export type EncoderConfig = SamEncoderConfig | TinyVitConfig;

/** An encoder by its name in the registry, by its sizes, or by the path of a checkpoint, whose tensors tell the sizes. */
export type EncoderSpec = EncoderName | EncoderConfig | (string & {});

/** A network from pictures to SAM's embedding: [B, 3, H, W] → [B, outChans, H/patchSize, W/patchSize]. */
export type ImageEncoder = nn.Module & {
  readonly config: EncoderConfig;
  forward(image: Tensor): Tensor;
  call(image: Tensor): Tensor;
};

/** Every encoder that has a name. */
export const encoders = {
  "sam-vit-h": samEncoders["sam-vit-h"],
  "sam-vit-l": samEncoders["sam-vit-l"],
  "sam-vit-b": samEncoders["sam-vit-b"],
  "mobile-sam": mobileSamConfig,
  nano: samEncoders.nano,
} as const satisfies Record<EncoderName, EncoderConfig>;

/** @throws Problem for a name that the registry does not hold and no file has, and for a file that is no encoder's */
export function encoderConfig(encoder: EncoderSpec): EncoderConfig {
  if (typeof encoder !== "string") return encoder;
  if (isEncoderName(encoder)) return encoders[encoder];
  if (existsSync(encoder)) {
    const found = encoderOf(encoder);
    return typeof found === "string" ? encoders[found] : found;
  }
  throw new Problem({
    what: "image encoder",
    found: `"${encoder}"`,
    expected: `one of ${encoderNames.join(", ")}, or the path of a checkpoint`,
  });
}

/** An encoder with first weights by the default generator. */
export function buildEncoder(encoder: EncoderSpec): ImageEncoder {
  const config = encoderConfig(encoder);
  return "embedDims" in config ? new TinyVit(config) : new SamImageEncoder(config);
}
