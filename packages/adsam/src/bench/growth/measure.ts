import { availableMemory } from "../machine.js";
import type { Order } from "../order.js";
import { Side, type SideCommand } from "../sides/side.js";
import { type Patience, plannedTurns } from "../turns.js";
import { type GrowthLine, growthLine } from "./growth.js";
import { amount, type GrowthPlan } from "./plan.js";

export interface GrowthOptions extends Patience {
  /** Of the run, ISO 8601. */
  readonly date: string;
  readonly ours: SideCommand;
  readonly signal?: AbortSignal;
  readonly tell: (line: string) => void;
}

interface Measured {
  readonly x: number;
  readonly order: Order;
  readonly turns: readonly number[];
  readonly peak: number | undefined;
}

/** A process of libtorch and Node before it has a network. */
const emptyProcess = 0.35e9;

/** One work along its axis, each point in a process of its own; points that will not fit are left out, with the reason. */
export async function measureGrowth(plan: GrowthPlan, options: GrowthOptions): Promise<GrowthLine | undefined> {
  const { signal, tell } = options;
  const measured: Measured[] = [];
  const skipped: { x: number; reason: string }[] = [];
  for (const { x, order } of plan.points) {
    if (signal?.aborted) break;
    const reason = whyNot(order, measured, options.budget, availableMemory());
    if (reason !== undefined) {
      tell(`${plan.id}, ${x}: skipped, ${reason}`);
      skipped.push({ x, reason });
      continue;
    }
    const point = await measurePoint(order, options);
    if (!point) break;
    measured.push({ x, order, ...point });
    tell(`${plan.id}, ${plan.axis} ${x}: ${point.turns.map((seconds) => seconds.toPrecision(3)).join(", ")} s`);
  }
  return measured.length === 0 ? undefined : growthLine(plan, measured, { skipped, date: options.date });
}

/** Whether a point is beyond this machine or the budget, judged by the point before it: memory and time are taken to grow as pixels and pictures do. */
export function whyNot(
  order: Order,
  measured: readonly Omit<Measured, "x">[],
  budget: number,
  available: number | undefined,
): string | undefined {
  const before = measured.at(-1);
  if (!before) return undefined;
  const ratio = amount(order) / amount(before.order);
  if (ratio <= 1) return undefined;
  if (before.peak !== undefined && available !== undefined) {
    const needed = emptyProcess + (before.peak - emptyProcess) * ratio;
    if (needed > 0.9 * available)
      return `it would take about ${(needed / 1e9).toFixed(0)} GB by the point before; ${(available / 1e9).toFixed(0)} GB are free`;
  }
  const seconds = Math.min(...before.turns) * ratio;
  if (2 * seconds > budget)
    return `one turn would take about ${seconds.toFixed(0)} s by the point before; --budget is ${budget} s`;
  return undefined;
}

async function measurePoint(order: Order, options: GrowthOptions): Promise<Omit<Measured, "x" | "order"> | undefined> {
  const { signal } = options;
  let side: Side | undefined;
  const turns: number[] = [];
  try {
    ({ side } = await Side.start(options.ours, order, signal));
    await side.run();
    side.resetPeak();
    let round = Number.POSITIVE_INFINITY;
    for (let turn = 0; turn === 0 || turn < plannedTurns(round, options); turn++) {
      const { seconds } = await side.run();
      const total = Object.values(seconds).reduce((sum, value) => sum + value, 0);
      turns.push(total);
      round = Math.min(round, total);
    }
    return { turns, peak: side.peakBytes() };
  } catch (error) {
    if (signal?.aborted) return undefined;
    throw error;
  } finally {
    await side?.end();
  }
}
