import { scope, zeros } from "@adsam/torch";
import type { OperatorNeed } from "../roofline/operators.js";

/** Numbers by name that both sides must agree on: losses, norms of gradients. */
export type Numbers = Readonly<Record<string, number>>;

/** What came out of the last turn. */
export interface Outputs {
  /** Elements in row-major order. */
  readonly arrays: Readonly<Record<string, Float32Array>>;
  readonly numbers: Numbers;
}

/** A piece of work, built and ready: done once a `run`. */
export interface Work {
  /** @returns what both sides must agree on in every turn */
  run(turn: Turn): Numbers | undefined | Promise<Numbers | undefined>;
  /** Of the last run, or of one more that is not timed. */
  output(): Outputs | Promise<Outputs>;
  /** Which phases the operators seen in a run, and those of their backward, belong to. Default: all to `total`. */
  readonly phases?: { readonly forward: string; readonly backward: string };
  /** What it needs, by formula, where it is not made of operators that can be counted. */
  readonly needs?: readonly OperatorNeed[];
  end?(): Promise<void>;
}

/** Times the phases of one turn. */
export class Turn {
  readonly seconds: Record<string, number> = {};
  readonly #device: "cpu" | "cuda";

  constructor(device: "cpu" | "cuda" = "cpu") {
    this.#device = device;
  }

  /** Times `body`; on a GPU until its last kernel has ended. */
  phase<T>(name: string, body: () => T): T {
    this.#settle();
    const started = performance.now();
    const result = body();
    this.#settle();
    this.#add(name, started);
    return result;
  }

  /** The same for work that is waited for. @param share divides the time: `1 / 16` for one of sixteen pictures */
  async waiting<T>(name: string, share: number, body: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await body();
    this.#add(name, started, share);
    return result;
  }

  #add(name: string, started: number, share = 1): void {
    this.seconds[name] = (this.seconds[name] ?? 0) + ((performance.now() - started) / 1000) * share;
  }

  /** A value read from the device comes after everything queued there before. */
  #settle(): void {
    if (this.#device !== "cpu") scope(() => zeros([1], { device: this.#device }).item());
  }
}
