import { type OperatorNeed, operatorNeeds } from "./operators.js";

/** What one run needs, and what of it was not counted. */
export interface Needs {
  readonly operators: readonly OperatorNeed[];
  /** Operators of this project called that no rule counts, with their calls: what they need is missing. */
  readonly uncounted: Readonly<Record<string, number>>;
}

/** This project's operators whose arithmetic is no matrix product: reading and writing, which others are counted for already. */
const light =
  /norm|softmax|distance|resize|upsample|pool|bilinear|lovasz|hybrid|gelu|label_map|confusion|boundary|add_relu/;

/** Watches the operators of a run; `see` is for `withObserver`. */
export class Tally {
  readonly #phases: { readonly forward: string; readonly backward: string };
  readonly #operators: OperatorNeed[] = [];
  readonly #uncounted: Record<string, number> = {};

  constructor(phases: { readonly forward: string; readonly backward: string }) {
    this.#phases = phases;
  }

  readonly see = (name: string, args: readonly unknown[], result: unknown): void => {
    const needs = operatorNeeds(name, args, result, this.#phases);
    if (needs) this.#operators.push(...needs);
    else if (name.startsWith("adsam::") && !light.test(name)) this.#uncounted[name] = (this.#uncounted[name] ?? 0) + 1;
  };

  get needs(): Needs {
    return { operators: this.#operators, uncounted: this.#uncounted };
  }
}
