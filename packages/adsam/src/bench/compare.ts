import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Agreement, confirm, difference, type ReadOutput, readOutput, worstNumber } from "./agreement.js";
import type { Comparison } from "./catalogue/comparison.js";
import type { Order } from "./order.js";
import type { Row } from "./result.js";
import type { MachineRates } from "./roofline/limit.js";
import type { Needs } from "./roofline/tally.js";
import { rowsOf, type SideRecord } from "./rows.js";
import { peerTitles } from "./sides/peers.js";
import { type Run, Side, type SideCommand } from "./sides/side.js";
import { type Patience, plannedTurns } from "./turns.js";

export interface CompareOptions extends Patience {
  /** The sides that can be had, this project's under `ours`. */
  readonly commands: ReadonlyMap<string, SideCommand>;
  readonly rates: MachineRates;
  /** Of the run, ISO 8601. */
  readonly date: string;
  /** What the works find on the disk. */
  readonly given?: Partial<Order>;
  /** Ends the processes at once; what whole rounds measured is kept. */
  readonly signal?: AbortSignal;
  readonly tell: (line: string) => void;
}

export interface Measured {
  readonly rows: readonly Row[];
  readonly agreements: readonly Agreement[];
  /** By side's name. */
  readonly versions: Readonly<Record<string, string>>;
}

interface Started {
  readonly key: string;
  readonly side: Side;
  readonly turns: Record<string, number[]>;
  needs?: Needs;
  first: Run;
}

/**
 * Starts the sides, lets each do the work once, compares what came out, and then measures them turn by turn.
 * @throws Problem where two sides do not compute the same, or a process ends
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
    const agreements = await outputsAgree(comparison, started, tell);
    for (const { side } of started) side.resetPeak();
    const worstLosses = await measureTurns(comparison, started, options);
    agreements.push(...lossesAgree(comparison, started, worstLosses, tell));
    const records = new Map(started.map(({ key, side, turns, needs }) => [key, record(side, turns, needs)]));
    const complete = new Map([...records].filter(([, { turns }]) => Object.keys(turns).length > 0));
    return { rows: rowsOf(comparison, complete, options), agreements, versions };
  } catch (error) {
    if (signal?.aborted) return { rows: [], agreements: [], versions };
    throw error;
  } finally {
    await Promise.all(started.map(({ side }) => side.end()));
  }
}

function record(side: Side, turns: SideRecord["turns"], needs: Needs | undefined): SideRecord {
  return { turns, peak: side.peakBytes(), ...(needs && { needs }) };
}

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

async function outputsAgree(
  comparison: Comparison,
  sides: readonly Started[],
  tell: (line: string) => void,
): Promise<Agreement[]> {
  const agreements: Agreement[] = [];
  const folder = mkdtempSync(join(tmpdir(), "adsam-bench-"));
  const outputs = new Map<string, ReadOutput>();
  const outputOf = async (key: string): Promise<ReadOutput | undefined> => {
    const one = sides.find((side) => side.key === key);
    if (!one) return undefined;
    const path = join(folder, key);
    const read = outputs.get(key) ?? readOutput(await one.side.output(path), path);
    outputs.set(key, read);
    return read;
  };
  try {
    for (const { ours, peer, rules } of comparison.agreements) {
      const [a, b] = [await outputOf(ours), await outputOf(peer)];
      if (!a || !b) continue;
      for (const rule of rules) {
        const found = difference(a, b, rule);
        const agreement = {
          ...pairOf(comparison, ours, peer),
          what: rule.what,
          difference: found.difference,
          limit: rule.limit,
        };
        confirm(agreement, found.worst);
        tell(`${comparison.id}: ${rule.what} ${found.difference.toExponential(1)}, at most ${rule.limit}`);
        agreements.push(agreement);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return agreements;
}

/** What the sides said in every turn, the first included: losses, relative. */
function lossesAgree(
  comparison: Comparison,
  sides: readonly Started[],
  worst: ReadonlyMap<string, number>,
  tell: (line: string) => void,
): Agreement[] {
  const agreements: Agreement[] = [];
  for (const { ours, peer } of comparison.agreements) {
    const [a, b] = [ours, peer].map((key) => sides.find((side) => side.key === key)?.first.numbers);
    if (!a || !b || Object.keys({ ...a, ...b }).length === 0) continue;
    const first = worstNumber(a, b);
    const found = Math.max(first.difference, worst.get(`${ours} ${peer}`) ?? 0);
    const limit = comparison.sides[ours]!.order.dtype === "bfloat16" ? 0.05 : 1e-3;
    const agreement = {
      ...pairOf(comparison, ours, peer),
      what: "loss of every turn, relative",
      difference: found,
      limit,
    };
    confirm(agreement, first.worst);
    tell(`${comparison.id}: loss of every turn, relative ${found.toExponential(1)}, at most ${limit}`);
    agreements.push(agreement);
  }
  return agreements;
}

function pairOf({ id, rows, sides }: Comparison, ours: string, peer: string): Pick<Agreement, "work" | "peer" | "id"> {
  const { who } = sides[peer]!;
  const row = rows.find((one) => one.ours === ours && one.peer === peer) ?? rows.find((one) => one.ours === ours);
  return { id, work: row?.work ?? id, peer: who === "ours" ? "AD-SAM" : peerTitles[who] };
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
