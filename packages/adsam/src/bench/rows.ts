import type { Comparison, RowPlan } from "./catalogue/comparison.js";
import type { Row } from "./result.js";
import { type MachineRates, roofOf } from "./roofline/limit.js";
import type { Needs } from "./roofline/tally.js";
import { peerTitles } from "./sides/peers.js";
import { summary } from "./statistics.js";

/** What was measured of one side. */
export interface SideRecord {
  /** Seconds of each turn, by phase. */
  readonly turns: Readonly<Record<string, readonly number[]>>;
  /** Bytes; undefined where the system does not tell. */
  readonly peak: number | undefined;
  /** Of this project's sides. */
  readonly needs?: Needs;
}

/** The table's lines of one comparison; sides that were not measured are left out of them. */
export function rowsOf(
  comparison: Comparison,
  records: ReadonlyMap<string, SideRecord>,
  { rates, date }: { readonly rates: MachineRates; readonly date: string },
): Row[] {
  const rows: Row[] = [];
  const seen = new Set<string>();
  for (const plan of comparison.rows) {
    const own = records.get(plan.ours);
    if (!own) continue;
    const peer = plan.peer === undefined ? undefined : records.get(plan.peer);
    // Without its peers a work stands in the table once.
    const key = `${plan.work} ${peer ? plan.peer : "alone"}`;
    if (seen.has(key)) continue;
    seen.add(key);
    rows.push(timeRow(comparison, plan, own, peer, { rates, date }));
    if (plan.memory && own.peak !== undefined) rows.push(memoryRow(comparison, plan, own.peak, peer?.peak, date));
  }
  return rows;
}

function timeRow(
  { id, sides }: Comparison,
  { work, ours, peer: peerKey, phase = "total", target }: RowPlan,
  own: SideRecord,
  peer: SideRecord | undefined,
  { rates, date }: { readonly rates: MachineRates; readonly date: string },
): Row {
  const mine = summary(own.turns[phase]!);
  const other = peer && summary(peer.turns[phase]!);
  const ratio = other ? other.median / mine.median : null;
  const roof = own.needs && roofOf(own.needs.operators, phase, sides[ours]!.order.dtype, rates);
  const uncounted = own.needs?.uncounted ?? {};
  return {
    id,
    work,
    peer: titleOf(sides, peer && peerKey),
    ratio,
    ours: mine.median,
    theirs: other?.median ?? null,
    unit: "s",
    limit: roof?.limit ?? null,
    attained: roof ? roof.limit / mine.median : null,
    ...(target !== undefined && { target, ...(ratio !== null && { reached: ratio >= target }) }),
    n: mine.n,
    spread: { ours: mine.range, theirs: other?.range ?? null },
    ...(roof && { flops: roof.flops, bytes: roof.bytes }),
    ...(Object.keys(uncounted).length > 0 && { uncounted }),
    date,
  };
}

function memoryRow(
  { id, sides }: Comparison,
  { work, peer: peerKey, memory }: RowPlan,
  own: number,
  other: number | undefined,
  date: string,
): Row {
  const [ours, theirs] = [own / 1e9, other === undefined ? null : other / 1e9];
  const ratio = theirs === null ? null : ours / theirs;
  const target = memory?.target;
  return {
    id,
    work: `${work}, peak memory`,
    peer: titleOf(sides, theirs === null ? undefined : peerKey),
    ratio,
    ours,
    theirs,
    unit: "GB",
    limit: null,
    attained: null,
    ...(target !== undefined && { target, ...(ratio !== null && { reached: ratio <= target }) }),
    n: 1,
    spread: { ours: [ours, ours], theirs: theirs === null ? null : [theirs, theirs] },
    date,
  };
}

function titleOf(sides: Comparison["sides"], key: string | undefined): string | null {
  const who = key === undefined ? "ours" : sides[key]!.who;
  return who === "ours" ? null : peerTitles[who];
}
