import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Problem } from "@adsam/torch/problem";
import type { Order } from "../order.js";
import type { Needs } from "../roofline/tally.js";

/** How a side's process is started; the order is its last argument. */
export interface SideCommand {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Changes to this process's environment; undefined takes a variable away. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Run {
  /** Of each phase. */
  readonly seconds: Readonly<Record<string, number>>;
  /** What the sides must agree on in every turn. */
  readonly numbers: Readonly<Record<string, number>>;
}

/** What came out of the last turn: the names and lengths of the arrays written one behind another, and numbers. */
export interface Output {
  readonly arrays: readonly (readonly [name: string, length: number])[];
  readonly numbers: Readonly<Record<string, number>>;
}

/** One side of a comparison: a process of its own that holds its work and does it only when asked. */
export class Side {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  #errors = "";

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    child.stderr!.on("data", (chunk) => {
      this.#errors = (this.#errors + chunk).slice(-2000);
    });
  }

  /**
   * Starts the process and waits until its work is built. It has a process group of its own: Ctrl-C reaches the benchmark alone, which
   * then decides; should that end, so does the process, its stdin being closed.
   * @throws Problem where it ends instead
   */
  static async start(
    command: SideCommand,
    order: Order,
    signal?: AbortSignal,
  ): Promise<{ side: Side; version: string }> {
    const child = spawn(command.program, [...command.args, JSON.stringify(order)], {
      env: { ...process.env, ...command.env },
      detached: true,
    });
    child.on("error", () => undefined); // told by the end of its answers
    child.stdin!.on("error", () => undefined);
    const kill = () => child.kill("SIGKILL");
    signal?.addEventListener("abort", kill);
    child.once("exit", () => signal?.removeEventListener("abort", kill));
    if (signal?.aborted) kill();
    const side = new Side(command.name, child);
    const { version } = await side.answer<{ version: string }>();
    return { side, version };
  }

  run(): Promise<Run> {
    return this.ask<Run>("run");
  }

  /** Writes the arrays that came out of the last run to `path`. */
  output(path: string): Promise<Output> {
    return this.ask<Output>(`output ${path}`);
  }

  /** What the first run needed. */
  needs(): Promise<Needs> {
    return this.ask<Needs>("needs");
  }

  /** Writes the network for ONNX Runtime, where the side can. */
  async exportTo(path: string): Promise<void> {
    await this.ask(`onnx ${path}`);
  }

  /** Forgets the most memory held so far: building a network and comparing outputs take more than the work does. */
  resetPeak(): void {
    try {
      writeFileSync(`/proc/${this.#child.pid}/clear_refs`, "5");
    } catch {
      // Another system, or not allowed: the peak is then that of the whole life.
    }
  }

  /** The most memory the process has held since, in bytes; undefined where the system is not Linux. */
  peakBytes(): number | undefined {
    const status = `/proc/${this.#child.pid}/status`;
    if (!existsSync(status)) return undefined;
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, "utf8"))?.[1]) * 1024;
  }

  /** Ends the process. */
  end(): Promise<void> {
    return new Promise((done) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return done();
      this.#child.once("exit", () => done());
      this.#child.stdin!.end();
    });
  }

  private ask<T>(line: string): Promise<T> {
    this.#child.stdin!.write(`${line}\n`);
    return this.answer<T>();
  }

  private async answer<T>(): Promise<T> {
    const { value, done } = await this.#answers.next();
    if (!done) return JSON.parse(value) as T;
    throw new Problem({
      what: `the benchmark's process of ${this.name}`,
      found: `that it ended: ${lastLine(this.#errors) ?? "without a word"}`,
      expected: "an answer",
      todo: "Where it was killed, memory may have run out: choose smaller --sizes.",
    });
  }
}

const lastLine = (text: string): string | undefined => text.trim().split("\n").at(-1) || undefined;
