import { Generator, nn, scope } from "@adsam/torch";
import type { Compute } from "../compute.js";
import {
  buildEncoder,
  type EncoderConfig,
  type EncoderSpec,
  encoderConfig,
  type ImageEncoder,
} from "../models/encoders.js";
import { loadEncoderWeights } from "../models/weights.js";
import { EncoderHashes, hashEncoder } from "./encoder-hash.js";

export interface EncoderSourceOptions {
  readonly encoder: EncoderSpec;
  /** A checkpoint of SAM or of its image encoder; null: random weights that follow from the seed, as a training run's do. */
  readonly weights: string | null;
  readonly seed: number;
  readonly device: Compute["device"];
  /** Where hashes of checkpoints are kept; without it they are reckoned each time. */
  readonly hashFolder?: string | undefined;
}

/** A frozen encoder that is loaded when it is first needed: where every embedding is stored already, never. */
export class EncoderSource implements Disposable {
  #encoder: ImageEncoder | undefined;
  #hash: string | undefined;
  #owned = true;

  private constructor(
    readonly config: EncoderConfig,
    private readonly load: () => ImageEncoder,
    private readonly noted?: { readonly hashes: EncoderHashes; readonly file: string },
  ) {}

  /** @throws Problem for an encoder that is not known */
  static open({ encoder, weights, seed, device, hashFolder }: EncoderSourceOptions): EncoderSource {
    const config = encoderConfig(encoder);
    const load = () => (weights === null ? firstWeights(encoder, seed) : loaded(encoder, weights));
    const frozen = () => scope(() => load().requiresGrad_(false).to({ device }));
    if (weights === null || hashFolder === undefined) return new EncoderSource(config, frozen);
    return new EncoderSource(config, frozen, { hashes: new EncoderHashes(hashFolder), file: weights });
  }

  /** An encoder that is there already and stays its owner's, such as a network's own; put into evaluation mode at each use. */
  static of(encoder: ImageEncoder): EncoderSource {
    const source = new EncoderSource(encoder.config, () => encoder);
    source.#owned = false;
    return source;
  }

  /** SHA-256 of `hashEncoder`. @throws Problem for a checkpoint that cannot be read, or is another encoder's */
  hash(): string {
    const { config, noted } = this;
    this.#hash ??= noted?.hashes.find(noted.file, config);
    if (this.#hash === undefined) {
      this.#hash = hashEncoder(this.encoder());
      noted?.hashes.note(noted.file, config, this.#hash);
    }
    return this.#hash;
  }

  /** On the device, in evaluation mode, without gradients; belongs to this source. The default generator stays as it was. */
  encoder(): ImageEncoder {
    this.#encoder ??= this.load();
    return this.#encoder.eval();
  }

  [Symbol.dispose](): void {
    if (this.#owned) this.#encoder?.dispose();
    this.#encoder = undefined;
  }
}

function loaded(spec: EncoderSpec, file: string): ImageEncoder {
  const encoder = nn.init.skipInit(() => buildEncoder(spec));
  loadEncoderWeights(encoder, file);
  return encoder;
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
