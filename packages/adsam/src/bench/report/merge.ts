import type { Result } from "../result.js";

/**
 * What stands in a folder after another run: works measured again are replaced, the others stay, in the order of the table.
 * @param before what stood there; a result of another machine or form is dropped as a whole
 * @param order ids of all works
 */
export function merged(before: unknown, now: Result, order: readonly string[]): Result {
  if (!isMergeable(before, now)) return now;
  const measured = new Set([...now.rows, ...now.failures].map(({ id }) => id));
  const measuredGrowth = new Set(now.growth.map(({ id }) => id));
  const rows = inOrder([...before.rows.filter(({ id }) => !measured.has(id)), ...now.rows], order);
  const growth = [...before.growth.filter(({ id }) => !measuredGrowth.has(id)), ...now.growth];
  const dates = new Set([...rows, ...growth].map(({ date }) => date));
  const nowDates = new Set(now.runs.map(({ date }) => date)); // a run writes after each of its works
  const earlier = before.runs.filter(({ date }) => dates.has(date) && !nowDates.has(date));
  const runs = [...earlier, ...now.runs];
  const nowSkipped = new Set(now.skipped.map(({ peer }) => peer));
  const peers = new Set(rows.map(({ peer }) => peer));
  return {
    ...now,
    command: runs.map(({ command }) => command).join(" && "),
    runs,
    versions: { ...before.versions, ...now.versions },
    rows,
    agreements: inOrder([...before.agreements.filter(({ id }) => !measured.has(id)), ...now.agreements], order),
    growth,
    // A run without one peer does not make rows that another run measured against it disappear.
    skipped: [...before.skipped.filter(({ peer }) => !nowSkipped.has(peer) && !peers.has(peer)), ...now.skipped],
    failures: [...before.failures.filter(({ id }) => !measured.has(id)), ...now.failures],
  };
}

function isMergeable(before: unknown, now: Result): before is Result {
  const old = before as Partial<Result> | null | undefined;
  return old?.format === now.format && old.machine === now.machine;
}

/** Stable: rows of one work stay as they were; a work that the order does not know comes last. */
function inOrder<T extends { readonly id: string }>(all: readonly T[], order: readonly string[]): T[] {
  const place = ({ id }: T) => (order.includes(id) ? order.indexOf(id) : order.length);
  return [...all].sort((a, b) => place(a) - place(b));
}
