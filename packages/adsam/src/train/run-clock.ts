/** How long a run has taken, over all of its sessions: what decides where it ends by minutes instead of epochs. */
export class RunClock {
  private began = performance.now();
  private before = 0;

  /** @param minutes that the run has; null: it ends by epochs */
  constructor(private readonly minutes: number | null) {}

  /** A session begins now. @param before seconds that the earlier ones took */
  start(before: number): void {
    this.began = performance.now();
    this.before = before;
  }

  /** Seconds of the run so far; the time between two sessions left out. */
  get seconds(): number {
    return this.before + this.sessionSeconds;
  }

  get sessionSeconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  /** The share of the run's minutes that is over, beyond 1 where they all are; 0 where it ends by epochs. */
  get share(): number {
    return this.minutes === null ? 0 : this.seconds / (60 * this.minutes);
  }

  /** The run's minutes, and those that were over when this session began; null where it ends by epochs. */
  get budget(): { readonly budget: number; readonly spent: number } | null {
    return this.minutes === null ? null : { budget: this.minutes, spent: this.before / 60 };
  }
}
