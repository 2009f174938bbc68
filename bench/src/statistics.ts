export interface Summary {
  readonly n: number;
  readonly median: number;
  /** Least and most. */
  readonly range: readonly [number, number];
}

/** Of at least one number. */
export function summary(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)]!, sorted[Math.floor(sorted.length / 2)]!];
  return { n: sorted.length, median: (low + high) / 2, range: [sorted[0]!, sorted.at(-1)!] };
}
