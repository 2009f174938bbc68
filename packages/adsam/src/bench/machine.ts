import { arch, loadavg } from "node:os";
import { thisMachine } from "../doctor/machine.js";
import { gatherReport } from "../doctor/report.js";
import { processor } from "../doctor/system-facts.js";

/** `2 × AMD EPYC (AVX-512), 25 GB, Debian GNU/Linux 12, x64; 2 threads a side`. */
export function describeMachine(threads: number): string {
  const machine = thisMachine();
  const { name, vectors } = processor(machine);
  const system = /^PRETTY_NAME="?([^"\n]+)"?/m.exec(machine.read("/etc/os-release") ?? "")?.[1] ?? machine.platform;
  const memory = `${Math.round(machine.memory.total / 1e9)} GB`;
  return `${machine.processors} × ${name} (${vectors}), ${memory}, ${system}, ${arch()}; ${threads} ${threads === 1 ? "thread" : "threads"} a side`;
}

/** Which library multiplies matrices for this project, and with which kernels; what `adsam doctor` says. */
export async function describeBlas(): Promise<string> {
  const { facts } = await gatherReport();
  return facts.find(({ key }) => key === "blas")?.found ?? "not known";
}

/** Load average of the last minute. */
export const load = (): number => Math.round(loadavg()[0]! * 100) / 100;

/** What to tell of a machine that does something else as well; undefined where it is quiet. */
export function loadWarning(before: number, processors: number): string | undefined {
  if (before <= 0.25 * processors) return undefined;
  return (
    `the load average is ${before} on ${processors} processors: other processes want them. ` +
    "Times will scatter; ratios suffer less, for the sides take turns."
  );
}

/** Bytes that a new process may take before the system swaps or kills; undefined where it does not tell. */
export function availableMemory(): number | undefined {
  const { read, memory } = thisMachine();
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/m.exec(read("/proc/meminfo") ?? "")?.[1];
  return kilobytes === undefined ? undefined : Math.min(1024 * Number(kilobytes), memory.total);
}
