/** How long a work is measured. */
export interface Patience {
  /** Turns of each side, after one that is not measured. */
  readonly repeats: number;
  /** Seconds that the turns of one work may take. */
  readonly budget: number;
}

/** Short works take more turns: as many as `plenty` seconds hold, up to this number. */
const most = 15;
const plenty = 15;

/**
 * How many turns a work gets whose round, one turn of every side, took `round` seconds: `repeats`, but no more than the budget holds and
 * at least one; where a round is short, up to 15.
 */
export function plannedTurns(round: number, { repeats, budget }: Patience): number {
  const affordable = Math.max(1, Math.floor(budget / round));
  const short = repeats > 1 ? Math.min(most, Math.floor(Math.min(plenty, budget) / round)) : repeats;
  return Math.min(affordable, Math.max(repeats, short));
}
