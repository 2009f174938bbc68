import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Problem } from "@adsam/torch/problem";

export type WorkName = "forward" | "step";

/** What a side is asked to build. */
export interface Order {
  readonly work: WorkName;
  /** Height and width of the picture, a multiple of 32. */
  readonly size: number;
  readonly threads: number;
}

/** How a side's process is started; the order is its last argument. */
export interface SideCommand {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Changes to this process's environment; undefined takes a variable away. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Run {
  readonly seconds: number;
  readonly loss: number | null;
}

/** One side of a comparison: a process of its own that holds its network and works only when asked. */
export class Side {
  private readonly answers: AsyncIterator<string>;
  private errors = "";

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    this.answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    child.stderr!.on("data", (chunk) => {
      this.errors = (this.errors + chunk).slice(-2000);
    });
  }

  /** Starts the process and waits until its network is built. */
  static async start(command: SideCommand, order: Order): Promise<{ side: Side; version: string }> {
    const child = spawn(command.program, [...command.args, JSON.stringify(order)], {
      env: { ...process.env, ...command.env },
    });
    child.on("error", () => undefined); // told by the end of its answers
    child.stdin!.on("error", () => undefined);
    const side = new Side(command.name, child);
    const { version } = await side.answer<{ version: string }>();
    return { side, version };
  }

  run(): Promise<Run> {
    return this.ask<Run>("run");
  }

  /** Writes the last logits to `path`. */
  async writeOutput(path: string): Promise<void> {
    await this.ask(`output ${path}`);
  }

  /** The norm of each parameter's gradient in the last step, by state-dict name. */
  async gradientNorms(): Promise<Readonly<Record<string, number>>> {
    return (await this.ask<{ norms: Record<string, number> }>("output")).norms;
  }

  /** The most memory the process has held so far, in bytes; undefined where the system is not Linux. */
  peakBytes(): number | undefined {
    const status = `/proc/${this.child.pid}/status`;
    if (!existsSync(status)) return undefined;
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, "utf8"))?.[1]) * 1024;
  }

  /** Ends the process. */
  end(): Promise<void> {
    return new Promise((done) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return done();
      this.child.once("exit", () => done());
      this.child.stdin!.end();
    });
  }

  private ask<T>(line: string): Promise<T> {
    this.child.stdin!.write(`${line}\n`);
    return this.answer<T>();
  }

  private async answer<T>(): Promise<T> {
    const { value, done } = await this.answers.next();
    if (!done) return JSON.parse(value) as T;
    throw new Problem({
      what: `the benchmark's process of ${this.name}`,
      found: `that it ended: ${this.errors.trim().split("\n").at(-1) || "without a word"}`,
      expected: "an answer",
      todo: "Run it alone to see all it says; it wants memory for the whole network (6 GB at 1024×1024).",
    });
  }
}
