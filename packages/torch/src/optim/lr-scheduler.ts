import { Problem } from "../problem.js";
import type { Schedule } from "./schedules.js";
import { entriesOf, numberIn } from "./state.js";

/** By PyTorch's names. */
export type SchedulerState = { readonly last_epoch: number; readonly base_lrs: readonly number[] };

/** Sets the learning rate of each group of an optimiser by a schedule; the rates the groups have now are their base rates. */
export class LrScheduler {
  private steps = 0;
  private baseLrs: readonly number[];

  constructor(
    private readonly optimizer: { readonly groups: readonly { lr: number }[] },
    private readonly schedule: Schedule,
  ) {
    this.baseLrs = optimizer.groups.map((group) => group.lr);
    this.apply();
  }

  /** Steps (or epochs) done so far. */
  get done(): number {
    return this.steps;
  }

  /** The rates in force, one a group. */
  get rates(): number[] {
    return this.optimizer.groups.map((group) => group.lr);
  }

  /** Goes on by one, or to a given moment, which may lie between two steps. Call it after the optimiser's step. */
  step(to = this.steps + 1): void {
    this.steps = to;
    this.apply();
  }

  private apply(): void {
    for (const [i, group] of this.optimizer.groups.entries()) {
      const base = this.baseLrs[i];
      if (base !== undefined) group.lr = this.schedule(this.steps, base);
    }
  }

  stateDict(): SchedulerState {
    return { last_epoch: this.steps, base_lrs: [...this.baseLrs] };
  }

  loadStateDict(saved: SchedulerState | ReadonlyMap<unknown, unknown>): void {
    const record = entriesOf(saved, "the scheduler's state");
    const rates = (record.get("base_lrs") ?? this.baseLrs) as readonly number[];
    if (rates.length !== this.optimizer.groups.length)
      throw new Problem({
        what: "the scheduler's state",
        found: `rates of ${rates.length} groups`,
        expected: `${this.optimizer.groups.length}`,
      });
    this.baseLrs = [...rates];
    this.steps = numberIn(record, "last_epoch", this.steps);
    this.apply();
  }
}
