/** A command of adsam in a process of its own: what ends it ends nothing else. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** What it told of its failure, in one line. */
  readonly reason: string;
}

export interface ChildOptions {
  /** Each line of stdout as it comes; without it they are kept. */
  readonly onLine?: (line: string) => void;
  /** Each line of stderr that is a warning. */
  readonly onWarning?: (text: string) => void;
  /** Asks the child to save and end. */
  readonly signal?: AbortSignal;
  /** Ends it at once: nothing more is to be written. */
  readonly kill?: AbortSignal;
  readonly onStart?: (pid: number) => void;
}

const script = fileURLToPath(new URL("./child-main.js", import.meta.url));

export async function adsamChild(
  words: readonly string[],
  { onLine, onWarning, signal, kill, onStart }: ChildOptions = {},
): Promise<ChildEnd> {
  const child = spawn(process.execPath, [script, ...words], {
    detached: true, // a group of its own: Ctrl-C reaches it once, through `signal`
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "" },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const ask = () => child.kill("SIGTERM");
  const end = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", ask);
  kill?.addEventListener("abort", end);
  if (signal?.aborted) ask();
  if (kill?.aborted) end();
  if (child.pid !== undefined) onStart?.(child.pid);
  const kept: string[] = [];
  const errors: string[] = [];
  createInterface({ input: child.stdout! }).on("line", (line) => (onLine ? onLine(line) : kept.push(line)));
  createInterface({ input: child.stderr! }).on("line", (line) => {
    if (line.startsWith("warning: ")) onWarning?.(line.slice("warning: ".length));
    errors.push(line);
    if (errors.length > 200) errors.shift();
  });
  try {
    const [code, ended] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (...end) => resolve(end));
    });
    return { code, signal: ended, stdout: kept.join("\n"), reason: reasonOf(errors, code, ended) };
  } finally {
    signal?.removeEventListener("abort", ask);
    kill?.removeEventListener("abort", end);
  }
}

/** The paragraph that the command line ended with; else how the process ended. */
function reasonOf(lines: readonly string[], code: number | null, signal: NodeJS.Signals | null): string {
  const from = lines.findLastIndex((line) => line.startsWith("adsam: "));
  if (from >= 0) return lines.slice(from).join(" ").slice("adsam: ".length).slice(0, 2000);
  const last = lines.findLast((line) => line.trim() !== "");
  const how =
    signal === null ? `exit code ${code}` : `killed by ${signal}${signal === "SIGKILL" ? " (out of memory?)" : ""}`;
  return `the process ended without a word of its own: ${how}${last === undefined ? "" : `, after "${last.slice(0, 300)}"`}`;
}
