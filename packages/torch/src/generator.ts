import { native } from "./native.js";
import { Tensor } from "./tensor.js";

/** Seeded random numbers (Mersenne Twister on the CPU), whose state can be saved and restored bit for bit. */
export class Generator {
  /** What the addon takes for a `Generator` argument. */
  readonly native: unknown;

  private constructor(handle: unknown) {
    this.native = handle;
  }

  static seeded(seed: number | bigint): Generator {
    return new Generator(native().generator(seed));
  }

  /** The generator that operators use when none is given, dropout among them. */
  static default(device: "cpu" | `cuda${string}` = "cpu"): Generator {
    return new Generator(native().defaultGenerator(device));
  }

  seed(seed: number | bigint): void {
    native().generatorSeed(this.native, seed);
  }

  /** uint8 [n]; CPU: 5056 bytes */
  get state(): Tensor {
    return new Tensor(native().generatorState(this.native));
  }

  set state(state: Tensor) {
    native().generatorSetState(this.native, state.id);
  }
}
