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

/** y = factor · x^exponent, by least squares of the logarithms. */
export interface PowerLaw {
  readonly exponent: number;
  readonly factor: number;
  /** The share of the logarithms' variance that the law explains; 1 is a straight line. */
  readonly r2: number;
}

/** @returns undefined for fewer than two different x. All numbers are above 0. */
export function powerLaw(points: readonly (readonly [x: number, y: number])[]): PowerLaw | undefined {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(logs.map(([x]) => x)), mean(logs.map(([, y]) => y))];
  const sum = (f: (x: number, y: number) => number) => logs.reduce((all, [x, y]) => all + f(x - mx, y - my), 0);
  const [xx, xy, yy] = [sum((x) => x * x), sum((x, y) => x * y), sum((_, y) => y * y)];
  if (!(xx > 0)) return undefined;
  const exponent = xy / xx;
  return { exponent, factor: Math.exp(my - exponent * mx), r2: yy === 0 ? 1 : (xy * xy) / (xx * yy) };
}
