/**
 * The learning rate at a moment: a pure function of the steps (or epochs, whole or not) done so far and of the rate the group began
 * with. Past its end a schedule stays where it ended.
 */
export type Schedule = (step: number, baseLr: number) => number;

export function constant(): Schedule {
  return (_step, baseLr) => baseLr;
}

/** Half a cosine from the base rate at step 0 to `minLr` at `steps` (Loshchilov & Hutter 2017, eq. 5, without restarts). */
export function cosine({ steps, minLr = 0 }: { steps: number; minLr?: number }): Schedule {
  positive("cosine", steps);
  return (step, baseLr) => minLr + ((baseLr - minLr) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))) / 2;
}

/** base · (1 − step / steps)^power, DeepLab's "poly". */
export function polynomial({ steps, power = 0.9 }: { steps: number; power?: number }): Schedule {
  positive("polynomial", steps);
  return (step, baseLr) => baseLr * (1 - Math.min(step, steps) / steps) ** power;
}

/**
 * Rises in a straight line from `startFactor` × the rate to the whole over the first `steps`, then `next` begins at its own step 0.
 * With a factor of 0 the very first step moves nothing.
 */
export function linearWarmup(
  { steps, startFactor = 0 }: { steps: number; startFactor?: number },
  next: Schedule = constant(),
): Schedule {
  return (step, baseLr) =>
    step < steps ? next(0, baseLr) * (startFactor + ((1 - startFactor) * step) / steps) : next(step - steps, baseLr);
}

function positive(name: string, steps: number): void {
  if (!(steps > 0)) throw new RangeError(`${name} schedule: found ${steps} steps, expected more than 0`);
}
