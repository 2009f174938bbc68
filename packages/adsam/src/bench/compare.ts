import { setTimeout } from "node:timers/promises";
import type { Problem } from "@adsam/torch/problem";
import { type Agreement, worstNumber } from "./agreement.js";
import type { Comparison } from "./catalogue/comparison.js";
import type { Order } from "./order.js";
import type { Row } from "./result.js";
import type { MachineRates } from "./roofline/limit.js";
import type { Needs } from "./roofline/tally.js";
import { rowsOf, type SideRecord } from "./rows.js";
import { type Disagreement, lossesAgree, outputsAgree } from "./same-work.js";
import { peerTitles } from "./sides/peers.js";
import { type Run, Side, type SideCommand } from "./sides/side.js";
import { type Patience, plannedTurns } from "./turns.js";

export interface CompareOptions extends Patience {
  /** The sides that can be had, this project's under `ours`. */
  readonly commands: ReadonlyMap<string, SideCommand>;
  /** Of the run, ISO 8601. */
  readonly date: string;
  /** What the works find on the disk. */
  readonly given?: Partial<Order>;
  /** Ends the processes at once; what whole rounds measured is kept. */
  readonly signal?: AbortSignal;
  readonly tell: (line: string) => void;
}

export interface Measured {
  /** The table's lines, held against the roofline of a machine that reaches `rates`. */
  readonly rowsAt: (rates: MachineRates) => readonly Row[];
  readonly agreements: readonly Agreement[];
  /** Pairs of sides that do not compute the same: their rows are missing. */
  readonly disagreements: readonly Problem[];
  /** By side's name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** A side that is ready. */
export interface Started {
  readonly key: string;
  readonly side: Side;
  readonly turns: Record<string, number[]>;
  needs?: Needs;
  first: Run;
}

/**
 * Starts the sides, lets each do the work once, compares what came out, and then measures them turn by turn. Two sides that do not compute the
 * same have no row together.
 * @throws Problem where no row is left, or a process ends
 */
export async function compare(comparison: Comparison, options: CompareOptions): Promise<Measured> {
  const { commands, signal, given = {}, tell } = options;
  const started: Started[] = [];
  const versions: Record<string, string> = {};
  try {
    for (const [key, { who, order }] of Object.entries(comparison.sides)) {
      const command = commands.get(who);
      if (!command) continue;
      const { side, version } = await Side.start(command, { ...order, ...given }, signal);
      const one: Started = { key, side, turns: {}, first: { seconds: {}, numbers: {} } };
      started.push(one);
      versions[side.name] = version;
      one.first = await side.run();
      if (who === "ours") one.needs = await side.needs();
      tell(`${comparison.id}, ${nameOf(comparison, key)}: first turn ${secondsText(one.first)}, not counted`);
    }
    const outputs = await outputsAgree(comparison, started, tell);
    const rest = without(comparison, outputs.disagreements);
    if (rest.rows.length === 0) throw outputs.disagreements[0]!.problem;
    for (const { side } of started) side.resetPeak();
    const worst = await measureTurns(rest, started, options);
    const losses = lossesAgree(rest, started, worst, tell);
    const records = new Map(started.map(({ key, side, turns, needs }) => [key, record(side, turns, needs)]));
    const measured = new Map([...records].filter(([, { turns }]) => Object.keys(turns).length > 0));
    const apart = [...outputs.disagreements, ...losses.disagreements];
    const last = without(rest, losses.disagreements);
    if (last.rows.length === 0) throw apart[0]!.problem;
    return {
      rowsAt: (rates) => rowsOf(last, measured, { rates, date: options.date }),
      agreements: [...outputs.agreements, ...losses.agreements],
      disagreements: apart.map(({ problem }) => problem),
      versions,
    };
  } catch (error) {
    if (signal?.aborted) return { rowsAt: () => [], agreements: [], disagreements: [], versions };
    throw error;
  } finally {
    await Promise.all(started.map(({ side }) => side.end()));
  }
}

/** The comparison without the rows of these pairs. */
function without(comparison: Comparison, apart: readonly Disagreement[]): Comparison {
  const rows = comparison.rows.filter((row) => !apart.some(({ ours, peer }) => row.ours === ours && row.peer === peer));
  return { ...comparison, rows };
}

function record(side: Side, turns: SideRecord["turns"], needs: Needs | undefined): SideRecord {
  return { turns, peak: side.peakBytes(), ...(needs && { needs }) };
}

/** Milliseconds before each side's turn: the threads of the side before may spin for a while after their work, and would take its cores. */
const rest = 50;

/** Whoever begins finds the machine as the last one left it: the sides take turns in that too. @returns the worst difference of each pair's numbers */
async function measureTurns(
  comparison: Comparison,
  sides: readonly Started[],
  { signal, tell, ...patience }: CompareOptions,
): Promise<Map<string, number>> {
  const worst = new Map<string, number>();
  let round = Number.POSITIVE_INFINITY;
  try {
    for (let turn = 0; turn === 0 || turn < plannedTurns(round, patience); turn++) {
      if (signal?.aborted) break;
      const runs = new Map<Started, Run>();
      const began = performance.now();
      for (let i = 0; i < sides.length; i++) {
        const one = sides[(i + turn) % sides.length]!;
        await setTimeout(rest);
        runs.set(one, await one.side.run());
      }
      round = Math.min(round, (performance.now() - began) / 1000);
      for (const [{ turns }, { seconds }] of runs)
        for (const [phase, value] of Object.entries(seconds)) {
          turns[phase] ??= [];
          turns[phase].push(value);
        }
      const numbers = new Map([...runs].map(([{ key }, run]) => [key, run.numbers]));
      for (const { ours, peer } of comparison.agreements) {
        const [a, b] = [numbers.get(ours), numbers.get(peer)];
        if (a && b)
          worst.set(`${ours} ${peer}`, Math.max(worst.get(`${ours} ${peer}`) ?? 0, worstNumber(a, b).difference));
      }
      const told = [...runs].map(([{ key }, run]) => `${nameOf(comparison, key)} ${secondsText(run)}`);
      tell(`${comparison.id}, turn ${turn + 1} of ${plannedTurns(round, patience)}: ${told.join("; ")}`);
    }
  } catch (error) {
    if (!signal?.aborted) throw error; // the turn at hand is lost, those before it are not
  }
  return worst;
}

function nameOf({ sides }: Comparison, key: string): string {
  const { who, order } = sides[key]!;
  if (who !== "ours") return peerTitles[who];
  return order.dtype === "float32" ? "AD-SAM" : `AD-SAM ${order.dtype}`;
}

function secondsText({ seconds }: Run): string {
  const phases = Object.entries(seconds);
  return phases.map(([phase, value]) => `${phases.length > 1 ? `${phase} ` : ""}${value.toPrecision(3)} s`).join(", ");
}
