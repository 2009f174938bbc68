import { arch, loadavg } from "node:os";
import { thisMachine } from "adsam/doctor/machine";
import { processor } from "adsam/doctor/system-facts";

/** One measured quantity on both sides: medians of `n` turns. */
export interface Row {
  readonly work: string;
  readonly peer: string;
  /** ours / theirs: below 1 this project needs less. */
  readonly ratio: number;
  readonly ours: number;
  readonly theirs: number;
  readonly unit: "s" | "GB";
  /** The largest ratio that satisfies. */
  readonly limit: number;
  readonly n: number;
  /** Least and most of the n. */
  readonly spread: { readonly ours: readonly [number, number]; readonly theirs: readonly [number, number] };
}

/** How far apart the two sides' outputs were. */
export interface Agreement {
  readonly work: string;
  readonly what: string;
  readonly difference: number;
  readonly limit: number;
}

/** What `performance.json` holds. */
export interface Result {
  readonly machine: string;
  /** ISO 8601. */
  readonly date: string;
  readonly command: string;
  readonly versions: { readonly ours: string; readonly theirs: string };
  /** Processes wanting the CPU, averaged over a minute, before the first measurement and after the last. */
  readonly load: { readonly before: number; readonly after: number };
  readonly rows: readonly Row[];
  readonly agreements: readonly Agreement[];
}

/** `2 × AMD EPYC (AVX-512), 25 GB, Debian GNU/Linux 12, x64`. */
export function describeMachine(): string {
  const machine = thisMachine();
  const { name, vectors } = processor(machine);
  const system = /^PRETTY_NAME="?([^"\n]+)"?/m.exec(machine.read("/etc/os-release") ?? "")?.[1] ?? machine.platform;
  return `${machine.processors} × ${name} (${vectors}), ${Math.round(machine.memory.total / 1e9)} GB, ${system}, ${arch()}`;
}

/** Load average of the last minute. */
export const load = (): number => Math.round(loadavg()[0]! * 100) / 100;
