/** `12.7 s`, `41.3 ms`, `0.79 GB`: three digits that count. */
export function quantity(value: number, unit: "s" | "GB"): string {
  if (unit === "s" && value < 0.0995) return `${(1000 * value).toPrecision(3)} ms`;
  return `${value.toPrecision(3)} ${unit}`;
}

/** A median with the least and the most of its turns. */
export function spreadText(
  median: number,
  [least, most]: readonly [number, number],
  { unit, n }: { readonly unit: "s" | "GB"; readonly n: number },
): string {
  const text = quantity(median, unit);
  if (n < 2) return text;
  const scale = text.endsWith(" ms") ? 1000 : 1;
  return `${text} (${(scale * least).toPrecision(3)}–${(scale * most).toPrecision(3)})`;
}

/** `1.23 T`, `456 G`: with the decimal prefix. */
export function prefixed(value: number): string {
  const units = ["", " k", " M", " G", " T", " P"];
  let power = 0;
  while (power < units.length - 1 && value >= 999.5 * 1000 ** power) power++;
  return `${(value / 1000 ** power).toPrecision(3)}${units[power]}`;
}

/** Of a row: `≥ 12`, `≤ 0.75`, with a mark where it was missed. */
export function targetText(row: {
  readonly target?: number;
  readonly reached?: boolean;
  readonly unit: "s" | "GB";
}): string {
  if (row.target === undefined) return "";
  const text = `${row.unit === "s" ? "≥" : "≤"} ${row.target}`;
  return row.reached === false ? `${text}, missed` : text;
}
