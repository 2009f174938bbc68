import type { Agreement } from "./agreement.js";
import type { GrowthLine } from "./growth/growth.js";
import type { MachineRates } from "./roofline/limit.js";
import type { MissingPeer } from "./sides/peers.js";

/** One measured quantity: medians of `n` turns. */
export interface Row {
  /** Of the comparison that it comes from. */
  readonly id: string;
  readonly work: string;
  /** Null where none was measured. */
  readonly peer: string | null;
  /** Time: theirs / ours, how many times faster this project is. Memory: ours / theirs. */
  readonly ratio: number | null;
  readonly ours: number;
  readonly theirs: number | null;
  readonly unit: "s" | "GB";
  /** Time: the roofline's, in seconds; null for memory. */
  readonly limit: number | null;
  /** limit / ours. */
  readonly attained: number | null;
  /** Of the ratio: at least, for time; at most, for memory. */
  readonly target?: number;
  readonly reached?: boolean;
  readonly n: number;
  /** Least and most of the n. */
  readonly spread: { readonly ours: readonly [number, number]; readonly theirs: readonly [number, number] | null };
  /** What the work needs at least: operations, and bytes read and written. */
  readonly flops?: number;
  readonly bytes?: number;
  /** Operators of this project that no rule counts: the limit is then too low. */
  readonly uncounted?: Readonly<Record<string, number>>;
  /** Of the run that measured it, ISO 8601. */
  readonly date: string;
}

/** A work that could not be measured to its end. */
export interface Failure {
  readonly id: string;
  readonly reason: string;
}

/** One call of the benchmark among those whose rows stand together. */
export interface RunRecord {
  readonly date: string;
  readonly command: string;
  /** Processes wanting the CPU, averaged over a minute, before the first measurement and after the last. */
  readonly load: { readonly before: number; readonly after: number };
  /** The measure of its rows' rooflines, as far as it was kept; absent where growth was measured. */
  readonly rates?: Partial<MachineRates>;
}

/** What `performance.json` holds. */
export interface Result {
  readonly format: 2;
  /** Processor, memory, system, threads a side. */
  readonly machine: string;
  /** ISO 8601, of the last run. */
  readonly date: string;
  /** Several joined by ` && ` where several runs make the table. */
  readonly command: string;
  readonly runs: readonly RunRecord[];
  /** By side: `libtorch 1.13.0, Node 20.20.2`. */
  readonly versions: Readonly<Record<string, string>>;
  /** Which library multiplies matrices, and with which kernels. */
  readonly blas: string;
  readonly rows: readonly Row[];
  readonly agreements: readonly Agreement[];
  readonly growth: readonly GrowthLine[];
  readonly skipped: readonly MissingPeer[];
  readonly failures: readonly Failure[];
}
