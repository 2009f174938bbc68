/** Which process this is, in a form by which others can tell whether it still runs: what locks and claims are signed with. */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

export interface ProcessMark {
  readonly pid: number;
  readonly host: string;
  /** Where its number means something: containers of one machine may share the machine's name. Null where the system has no namespaces. */
  readonly namespace: string | null;
  /** Tells two processes of one number apart, in the system's own ticks; null where there is no /proc. */
  readonly started: string | null;
}

export const ownMark = (): ProcessMark => ({
  pid: process.pid,
  host: hostname(),
  namespace: ownNamespace(),
  started: look(process.pid)?.started ?? null,
});

/** Whether that process runs; undefined where it is another machine's or another container's and nothing is known. */
export function isAtWork({ pid, host, namespace, started }: ProcessMark): boolean | undefined {
  if (host !== hostname() || namespace !== ownNamespace()) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false; // EPERM: there, but someone else's
  }
  const there = look(pid);
  if (there === undefined) return true; // hidden from this user
  return !there.ended && there.started === started;
}

function ownNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

/** `ended`: killed, and its parent has not asked yet (in a container without an init, never will). Undefined where there is no /proc. */
function look(pid: number): { readonly started: string; readonly ended: boolean } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // from field 3 on; the name before may hold blanks
    return { started: fields[19]!, ended: fields[0] === "Z" || fields[0] === "X" };
  } catch {
    return undefined;
  }
}
