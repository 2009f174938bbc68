/** Which process this is, in a form by which others can tell whether it still runs. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

export interface ProcessMark {
  readonly pid: number;
  readonly host: string;
  /** Tells two processes of one number apart, in the system's own ticks; null where there is no /proc. */
  readonly started: string | null;
}

export const ownMark = (): ProcessMark => ({ pid: process.pid, host: hostname(), started: startOf(process.pid) });

/** Whether that process runs; undefined where it is another machine's and nothing is known. */
export function isAtWork({ pid, host, started }: ProcessMark): boolean | undefined {
  if (host !== hostname()) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // someone else's process
  }
  return started === startOf(pid);
}

function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null; // field 22; the name before may hold blanks
  } catch {
    return null;
  }
}
