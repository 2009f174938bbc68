/** `62.1 %`; a dash for nothing. */
export function percent(share: number | null | undefined, digits = 1): string {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`;
}

/** `26.94 M`, `637 M`, `2.4 T`, `812`. */
export function big(count: number): string {
  const units = ["", " k", " M", " G", " T", " P"];
  let [value, unit] = [count, 0];
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : Number(value.toPrecision(4))}${units[unit]}`;
}

/** `512 MB`, `2.4 GB`. */
export function bytes(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} GB` : `${(count / 1e6).toFixed(0)} MB`;
}

/** `2026-11-22 15:04 UTC`. */
export function moment(when: Date): string {
  return `${when.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
