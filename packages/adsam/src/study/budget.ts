/** What a run may use: in words, and of which it may use more. */

interface Budget {
  readonly minutes?: number | undefined;
  readonly epochs?: number | undefined;
  readonly pictures?: number | undefined;
}

/** How many pictures it trains on, to be compared: all of the split are more than any number. */
export const sizeOf = ({ pictures }: Budget): number => pictures ?? Number.POSITIVE_INFINITY;

/** `20 min`, `100 epochs`, `20 min, 100 pictures`; `no limit`. Minutes are of wall time, validations in between included (`train.minutes`). */
export function budgetText({ pictures, ...time }: Budget): string {
  return [
    timeText(time),
    ...(pictures === undefined ? [] : [`${pictures} ${pictures === 1 ? "picture" : "pictures"}`]),
  ].join(", ");
}

/** The budget without its pictures. */
export function timeText({ minutes, epochs }: Budget): string {
  const parts = [
    ...(minutes === undefined ? [] : [`${Number(minutes.toPrecision(3))} min`]),
    ...(epochs === undefined ? [] : [`${epochs} ${epochs === 1 ? "epoch" : "epochs"}`]),
  ];
  return parts.length === 0 ? "no limit" : parts.join(", ");
}

/** Where a run stands in its study, but for its seed: `ad-sam on CamVid, 20 min`. */
export function placeText({
  system,
  train,
  budget,
}: {
  readonly system: string;
  readonly train: string;
  readonly budget: Budget;
}): string {
  return `${system} on ${train}, ${budgetText(budget)}`;
}
