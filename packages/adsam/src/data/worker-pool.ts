/** Jobs on worker threads, and both ends of the wire between: what is asked, what comes back, and how an error crosses. */
import { parentPort, Worker } from "node:worker_threads";
import { Problem, type ProblemParts } from "@adsam/torch/problem";

/** A job under way. A result that nobody waits for is no unhandled rejection. */
export interface Task<Result> {
  readonly result: Promise<Result>;
  /** The result is not wanted any more: it is dropped, and where it has not begun, never made. */
  cancel(): void;
}

export interface Pool<Job, Result> {
  /** @param transfer buffers in the job that change hands instead of being copied */
  run(job: Job, transfer?: ArrayBuffer[]): Task<Result>;
  /** Lets the jobs that have begun come to their end, and ends the threads. Later and unfinished jobs fail. */
  close(): Promise<void>;
}

/** A handler's answer, and the buffers in it that change hands instead of being copied. */
export interface Answer<Result> {
  readonly result: Result;
  readonly transfer?: ArrayBuffer[];
}
export type Handler<Job, Result> = (job: Job) => Promise<Answer<Result>>;

type Order<Job> = { readonly id: number; readonly job: Job } | { readonly cancel: number } | { readonly close: true };
type Reply<Result> =
  | { readonly id: number; readonly result: Result }
  | { readonly id: number; readonly error: PackedError }
  | { readonly dropped: number };

/** Cloning an Error across threads loses its class; this keeps what the reader needs. */
interface PackedError {
  readonly message: string;
  readonly stack: string;
  readonly parts?: ProblemParts;
}

function pack(error: unknown): PackedError {
  const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  return error instanceof Problem ? { message, stack, parts: error.parts } : { message, stack };
}

function unpack({ message, stack, parts }: PackedError): Error {
  return Object.assign(parts ? new Problem(parts) : new Error(message), { stack });
}

/** The worker's end: answers orders one after the other until told to close. Call once, at the top of the worker's file. */
export function serveJobs<Job, Result>(handler: Handler<Job, Result>): void {
  const port = parentPort!;
  const waiting: { id: number; job: Job }[] = [];
  let busy = false;
  let closing = false;
  const work = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    for (let order = waiting.shift(); order; order = waiting.shift())
      try {
        const { result, transfer } = await handler(order.job);
        port.postMessage({ id: order.id, result } satisfies Reply<Result>, transfer);
      } catch (error) {
        port.postMessage({ id: order.id, error: pack(error) } satisfies Reply<Result>);
      }
    busy = false;
    if (closing) port.close();
  };
  port.on("message", (order: Order<Job>) => {
    if ("close" in order) {
      waiting.length = 0;
      closing = true;
    } else if ("cancel" in order) {
      const at = waiting.findIndex(({ id }) => id === order.cancel);
      if (at < 0) return;
      waiting.splice(at, 1);
      port.postMessage({ dropped: order.cancel } satisfies Reply<Result>);
    } else waiting.push(order);
    void work();
  });
}

interface Pending<Result> {
  resolve(result: Result): void;
  reject(error: Error): void;
  /** False once cancelled: the thread is still on it, but it keeps nobody waiting. */
  wanted: boolean;
}

interface Thread<Result> {
  readonly worker: Worker;
  readonly pending: Map<number, Pending<Result>>;
}

/**
 * Jobs go to the thread with the fewest at once, not when it becomes free: the consumer's event loop may be blocked for seconds by
 * a training step, and the threads go on meanwhile. Idle threads do not keep the process alive.
 */
export class ThreadPool<Job, Result> implements Pool<Job, Result> {
  readonly #threads: Thread<Result>[];
  #nextId = 0;
  #broken: Error | undefined;

  /** @param script a module that calls {@link serveJobs}; @param workerData plain data that every thread gets. */
  constructor(script: URL, workerData: unknown, count: number) {
    // `node --input-type=module -e …` must not make the threads' files into program text. Otherwise flags are left to be inherited:
    // spelt out, those of V8 (`--max-old-space-size`) would be refused.
    const isText = (flag: string) => flag.startsWith("--input-type");
    const flags = process.execArgv.some(isText) && { execArgv: process.execArgv.filter((flag) => !isText(flag)) };
    this.#threads = Array.from({ length: count }, () => {
      const thread: Thread<Result> = { worker: new Worker(script, { workerData, ...flags }), pending: new Map() };
      thread.worker.on("message", (reply: Reply<Result>) => settle(thread, reply));
      thread.worker.on("error", (error) =>
        this.#break(new Error(`a worker thread failed: ${error.message}`, { cause: error })),
      );
      thread.worker.on("exit", (code) => this.#break(new Error(`a worker thread ended early (exit code ${code})`)));
      thread.worker.unref(); // after the listeners: listening to messages holds the process
      return thread;
    });
  }

  run(job: Job, transfer: ArrayBuffer[] = []): Task<Result> {
    if (this.#broken) return failed(this.#broken);
    const id = this.#nextId++;
    const thread = this.#threads.reduce((least, other) => (other.pending.size < least.pending.size ? other : least));
    const pending: Pending<Result> = { resolve: () => {}, reject: () => {}, wanted: true };
    const result = new Promise<Result>((resolve, reject) => Object.assign(pending, { resolve, reject }));
    result.catch(() => {});
    thread.pending.set(id, pending);
    thread.worker.ref();
    thread.worker.postMessage({ id, job } satisfies Order<Job>, transfer);
    const cancel = (): void => {
      if (!thread.pending.has(id) || !pending.wanted) return;
      pending.wanted = false;
      pending.reject(cancelled());
      thread.worker.postMessage({ cancel: id } satisfies Order<Job>);
      rest(thread);
    };
    return { result, cancel };
  }

  async close(): Promise<void> {
    this.#break(closed());
    const ended = this.#threads.map(({ worker }) => {
      const exit = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
      if (worker.threadId < 0) return Promise.resolve();
      worker.removeAllListeners("message"); // a late reply would let go of the thread before it has ended
      worker.ref();
      worker.postMessage({ close: true } satisfies Order<Job>);
      return exit;
    });
    await Promise.all(ended);
  }

  /** The first cause stands for all that follows. */
  #break(error: Error): void {
    if (this.#broken) return;
    this.#broken = error;
    for (const thread of this.#threads) {
      for (const pending of thread.pending.values()) pending.reject(error);
      thread.pending.clear();
      thread.worker.unref();
    }
  }
}

function settle<Result>(thread: Thread<Result>, reply: Reply<Result>): void {
  const id = "dropped" in reply ? reply.dropped : reply.id;
  const pending = thread.pending.get(id);
  thread.pending.delete(id);
  rest(thread);
  if (!pending || "dropped" in reply) return;
  if ("error" in reply) pending.reject(unpack(reply.error));
  else pending.resolve(reply.result);
}

/** A thread on which nobody waits may be left behind when the process ends. */
function rest<Result>({ worker, pending }: Thread<Result>): void {
  if (![...pending.values()].some(({ wanted }) => wanted)) worker.unref();
}

/** The same without threads: one job after the other, on the caller's own. */
export class InlinePool<Job, Result> implements Pool<Job, Result> {
  readonly #handler: Handler<Job, Result>;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(handler: Handler<Job, Result>) {
    this.#handler = handler;
  }

  run(job: Job): Task<Result> {
    let wanted = true;
    const result = this.#last.then(async () => {
      if (this.#closed) throw closed();
      if (!wanted) throw cancelled();
      return (await this.#handler(job)).result;
    });
    this.#last = result.catch(() => {});
    const cancel = (): void => {
      wanted = false;
    };
    return { result, cancel };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }
}

const closed = (): Error => new Problem({ what: "loader", found: "it has been closed", todo: "Open a new one." });
const cancelled = (): Error => new Error("the job was cancelled");

function failed<Result>(error: Error): Task<Result> {
  const result = Promise.reject(error);
  result.catch(() => {});
  return { result, cancel: () => {} };
}
