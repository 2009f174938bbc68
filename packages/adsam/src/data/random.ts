/** Seeded randomness that is the same on every machine and worker: sfc32 (Doty-Humphrey's small fast chaotic generator, PractRand). */
import { Problem } from "@adsam/torch/problem";

/** Everything a generator is; plain data, for checkpoints. */
export type RandomState = readonly [a: number, b: number, c: number, counter: number];

export class Random {
  #state: [number, number, number, number];

  /** @param key what the sequence is drawn for, e.g. `(seed, "sample", epoch, index)`: every part changes the whole sequence. */
  constructor(...key: readonly (string | number)[]) {
    const text = JSON.stringify(key);
    this.#state = [hash(text, 1), hash(text, 2), hash(text, 3), 1];
    for (let i = 0; i < 15; i++) this.uint32();
  }

  get state(): RandomState {
    return [...this.#state];
  }

  static from(state: RandomState): Random {
    if (state.length !== 4 || !state.every(Number.isInteger))
      throw new Problem({ what: "random state", found: JSON.stringify(state), expected: "four 32-bit integers" });
    const random = new Random();
    random.#state = [state[0] | 0, state[1] | 0, state[2] | 0, state[3] | 0];
    return random;
  }

  /** Uniform integer, 0…2³²−1. */
  uint32(): number {
    const s = this.#state;
    const sum = (s[0] + s[1] + s[3]) | 0;
    s[3] = (s[3] + 1) | 0;
    s[0] = s[1] ^ (s[1] >>> 9);
    s[1] = (s[2] + (s[2] << 3)) | 0;
    s[2] = (((s[2] << 21) | (s[2] >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1), a multiple of 2⁻⁵³. */
  float(): number {
    const high = this.uint32() >>> 5;
    return (high * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** Uniform in [low, high). */
  range(low: number, high: number): number {
    return low + (high - low) * this.float();
  }

  /** Uniform integer, 0…n−1. */
  below(n: number): number {
    return Math.floor(this.float() * n);
  }

  /** True with probability `p`. Always draws once. */
  chance(p: number): boolean {
    return this.float() < p;
  }

  /** Standard normal (Box–Muller). Always draws twice. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.float()));
    return radius * Math.cos(2 * Math.PI * this.float());
  }

  /** One of the values, all as likely. */
  pick<T>(values: readonly T[]): T {
    if (values.length === 0)
      throw new Problem({ what: "pick", found: "an empty list", expected: "at least one value" });
    return values[this.below(values.length)]!;
  }

  /** Shuffles in place (Fisher–Yates) and returns the array. */
  shuffle<T>(values: T[]): T[] {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [values[i], values[j]] = [values[j]!, values[i]!];
    }
    return values;
  }
}

/** FNV-1a over UTF-16 code units from a salted start, finished by MurmurHash3's mixer. */
function hash(text: string, salt: number): number {
  let h = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b1);
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
