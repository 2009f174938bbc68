import { Generator, nn, scope } from "@adsam/torch";
import {
  buildEncoder,
  type EncoderConfig,
  type EncoderSpec,
  encoderConfig,
  type ImageEncoder,
} from "../models/encoders.js";
import { loadWeights } from "../models/weights.js";
import type { Compute } from "../train/device.js";
import { EncoderHashes, hashEncoder } from "./encoder-hash.js";

export interface EncoderSourceOptions {
  readonly encoder: EncoderSpec;
  /** A checkpoint of SAM or of its image encoder; null: random weights that follow from the seed, as a training run's do. */
  readonly weights: string | null;
  readonly seed: number;
  readonly device: Compute["device"];
  /** Where hashes of checkpoints are kept; without it they are reckoned each time. */
  readonly hashFolder?: string;
}

/** A frozen encoder that is loaded when it is first needed: where every embedding is stored already, never. */
export class EncoderSource implements Disposable {
  readonly config: EncoderConfig;
  readonly #options: EncoderSourceOptions;
  readonly #hashes: EncoderHashes | undefined;
  #encoder: ImageEncoder | undefined;
  #hash: string | undefined;

  /** @throws Problem for an encoder that is not known */
  constructor(options: EncoderSourceOptions) {
    this.#options = options;
    this.config = encoderConfig(options.encoder);
    this.#hashes = options.hashFolder === undefined ? undefined : new EncoderHashes(options.hashFolder);
  }

  /** @throws Problem for a checkpoint that cannot be read, or is another encoder's */
  hash(): string {
    const { weights } = this.#options;
    this.#hash ??= weights === null ? undefined : this.#hashes?.find(weights, this.config);
    if (this.#hash === undefined) {
      this.#hash = hashEncoder(this.encoder());
      if (weights !== null) this.#hashes?.note(weights, this.config, this.#hash);
    }
    return this.#hash;
  }

  /** On the device, in evaluation mode, without gradients; belongs to this source. The default generator stays as it was. */
  encoder(): ImageEncoder {
    this.#encoder ??= scope(() => {
      const { encoder: spec, weights, seed, device } = this.#options;
      const encoder = weights === null ? firstWeights(spec, seed) : nn.init.skipInit(() => buildEncoder(spec));
      if (weights !== null)
        loadWeights(encoder, weights, { prefix: "image_encoder.", ignored: ["prompt_encoder.", "mask_decoder."] });
      return encoder.requiresGrad_(false).eval().to({ device });
    });
    return this.#encoder;
  }

  [Symbol.dispose](): void {
    this.#encoder?.dispose();
    this.#encoder = undefined;
  }
}

/** The weights that a training run of this seed begins with: its encoder is the first thing it makes. */
function firstWeights(spec: EncoderSpec, seed: number): ImageEncoder {
  const generator = Generator.default();
  const before = generator.state;
  generator.seed(seed);
  try {
    return buildEncoder(spec);
  } finally {
    generator.state = before;
  }
}
