/** A thread for the pool's tests: waits, answers, fails or dies, as it is told. */
import { setTimeout as wait } from "node:timers/promises";
import { Problem } from "@adsam/torch/problem";
import { serveJobs } from "../src/data/worker-pool.js";

export interface EchoJob {
  readonly value: number;
  readonly wait?: number;
  readonly end?: "problem" | "defect" | "exit" | "throw later";
}

/** `count`: jobs this thread has begun. */
export interface Echo {
  readonly value: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

let count = 0;
serveJobs<EchoJob, Echo>(async (job) => {
  count++;
  if (job.wait) await wait(job.wait);
  if (job.end === "problem")
    throw new Problem({ what: "echo", found: `${job.value}`, expected: "less", todo: "Ask again." });
  if (job.end === "defect") throw new TypeError("a defect");
  if (job.end === "exit") process.exit(3);
  if (job.end === "throw later") {
    setTimeout(() => {
      throw new Error("out of the blue");
    });
    await wait(1000);
  }
  const bytes = Uint8Array.of(job.value);
  return { result: { value: job.value, count, bytes }, transfer: [bytes.buffer] };
});
