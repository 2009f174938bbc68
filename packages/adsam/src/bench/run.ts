import { availableParallelism } from "node:os";
import { Problem } from "@adsam/torch/problem";
import type { Agreement } from "./agreement.js";
import { catalogue, choose } from "./catalogue/catalogue.js";
import type { CatalogueOptions, Comparison } from "./catalogue/comparison.js";
import { compare, type Measured } from "./compare.js";
import type { GrowthLine } from "./growth/growth.js";
import { measureGrowth } from "./growth/measure.js";
import { growthPlans } from "./growth/plan.js";
import { describeBlas, describeMachine, load, loadWarning } from "./machine.js";
import { Provisions } from "./provisions.js";
import { measureRates } from "./rates.js";
import type { Failure, Result } from "./result.js";
import { bestOf } from "./roofline/limit.js";
import { findPeers, type MissingPeer, ours, type PeerSearch, peerTitles } from "./sides/peers.js";
import type { SideCommand } from "./sides/side.js";
import type { Patience } from "./turns.js";

export interface BenchOptions extends CatalogueOptions, Patience {
  /** Names or groups of works; empty: all. */
  readonly works: readonly string[];
  readonly peers: PeerSearch;
  /** How time grows, instead of the table. */
  readonly growth: boolean;
  /** As typed, for the record. */
  readonly command: string;
}

/** What a run says while it goes on. */
export interface BenchEvents {
  readonly tell: (line: string) => void;
  readonly warn: (line: string) => void;
  /** After each work: what there is so far, to be kept should the run be ended hard. */
  readonly measured?: (result: Result) => void;
}

/**
 * Measures works, or with `growth` how time grows; a work that fails is told and recorded, and the others go on.
 * @param signal ends the processes at once; what was measured is returned
 * @throws Problem for works that there are not, and where no libtorch can be loaded
 */
export async function runBench(options: BenchOptions, events: BenchEvents, signal?: AbortSignal): Promise<Result> {
  const before = load();
  const date = new Date().toISOString();
  const chosen = options.growth ? [] : choose(catalogue(options), options.works);
  const plans = options.growth ? growthPlans({ ...options, dtype: options.dtype ?? "float32" }, options.works) : [];
  const warning = loadWarning(before, availableParallelism());
  if (warning !== undefined) events.warn(warning);
  const { found, missing } = await findPeers({ ...options.peers, wanted: peersOf(chosen, options.peers) });
  for (const { peer, reason, todo } of missing) events.warn(`${peerTitles[peer]} is left out: ${reason}. ${todo}`);
  const commands = new Map<string, SideCommand>([["ours", ours], ...found]);
  if (chosen.length > 0) events.tell("this machine's best rates: matrix products, copying");
  let rates = chosen.length > 0 ? await measureRates(options, signal) : undefined;
  const blas = await describeBlas();
  const so = {
    measured: [] as Measured[],
    agreements: [] as Agreement[],
    growth: [] as GrowthLine[],
    failures: [] as Failure[],
  };
  const versions: Record<string, string> = {};
  const skipped: MissingPeer[] = [...missing];
  const result = (): Result => ({
    format: 2,
    machine: describeMachine(options.threads),
    date,
    command: options.command,
    runs: [{ date, command: options.command, load: { before, after: load() }, ...(rates && { rates }) }],
    versions: { ...versions },
    blas,
    rows: rates ? so.measured.flatMap(({ rowsAt }) => rowsAt(rates!)) : [],
    agreements: [...so.agreements],
    growth: [...so.growth],
    skipped: [...skipped],
    failures: [...so.failures],
  });
  const fail = (id: string, reason: string): void => {
    events.warn(reason);
    so.failures.push({ id, reason });
  };
  const guarded = async (id: string, body: () => Promise<void>): Promise<void> => {
    if (signal?.aborted) return;
    try {
      await body();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (signal?.aborted) return;
      fail(id, error.message);
    }
    events.measured?.(result());
  };
  const provisions = new Provisions(commands, events.tell);
  try {
    for (const comparison of chosen)
      await guarded(comparison.id, async () => {
        const { given, without } = await provisions.for(comparison, signal);
        const present = without === undefined ? commands : new Map([...commands].filter(([who]) => who !== without));
        if (without !== undefined) skipped.push(withoutExport(comparison.id));
        const measured = await compare(comparison, {
          ...options,
          commands: present,
          date,
          given,
          tell: events.tell,
          ...(signal && { signal }),
        });
        so.measured.push(measured);
        so.agreements.push(...measured.agreements);
        Object.assign(versions, measured.versions);
        for (const { message } of measured.disagreements) fail(comparison.id, message);
      });
    if (rates !== undefined)
      await guarded("rates", async () => {
        events.tell("this machine's best rates once more");
        rates = bestOf(rates!, await measureRates(options, signal));
      });
    for (const plan of plans)
      await guarded(plan.id, async () => {
        const line = await measureGrowth(plan, {
          ...options,
          ours,
          date,
          tell: events.tell,
          ...(signal && { signal }),
        });
        if (line) so.growth.push(line);
      });
  } finally {
    provisions.end();
  }
  return result();
}

const withoutExport = (id: string): MissingPeer => ({
  peer: "onnxruntime",
  reason: `${id}: PyTorch, which writes the network for it, is left out`,
  todo: "Let PyTorch take part, too.",
});

/** Those that the works are measured against, and PyTorch where it writes a network for another. */
function peersOf(chosen: readonly Comparison[], { wanted }: PeerSearch) {
  const taken = new Set(chosen.flatMap(({ sides }) => Object.values(sides).map(({ who }) => who)));
  return wanted.filter((peer) => taken.has(peer));
}
