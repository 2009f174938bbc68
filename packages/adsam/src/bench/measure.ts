/**
 * This project's side of the benchmark, the counterpart of bench/peers/measure.py: builds one piece of work and does it when asked, a
 * command a line on stdin.
 *
 *     measure.js '{"work": "ad-sam-forward", "batch": 1, "height": 512, "width": 512, "threads": 2, "device": "cpu", "dtype": "float32"}'
 *
 * `run` does the work once and answers `{ seconds: { phase: s }, numbers }`; `output PATH` writes what came out, float32, one array behind
 * another, and answers `{ arrays: [[name, length]], numbers }`; `needs` answers what the first run needed (roofline/); the end of stdin
 * ends the process. Answers are JSON, one a line.
 */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { buildInfo, setNumThreads, withObserver } from "@adsam/torch";
import type { Order } from "./order.js";
import { Tally } from "./roofline/tally.js";
import { buildWork } from "./works/build.js";
import { Turn } from "./works/work.js";

const answer = (record: object) => process.stdout.write(`${JSON.stringify(record)}\n`);

const order = JSON.parse(process.argv[2]!) as Order;
setNumThreads(order.threads);
const work = await buildWork(order);
collectGarbage();
const tally = new Tally(work.phases ?? { forward: "total", backward: "total" });
let isFirst = true;
answer({ version: `libtorch ${buildInfo().version}, Node ${process.versions.node}` });
for await (const line of createInterface({ input: process.stdin })) {
  const [command, path = ""] = line.split(/ (.*)/);
  if (command === "run") {
    const turn = new Turn(order.device);
    const numbers = await (isFirst && !work.needs ? withObserver(tally.see, () => work.run(turn)) : work.run(turn));
    isFirst = false;
    answer({ seconds: turn.seconds, numbers: numbers ?? {} });
  } else if (command === "needs") answer(work.needs ? { operators: work.needs, uncounted: {} } : tally.needs);
  else {
    const written = await writeOutput(path);
    collectGarbage();
    answer(written);
  }
}
await work.end?.();

async function writeOutput(path: string): Promise<object> {
  const { arrays, numbers } = await work.output();
  const parts = Object.entries(arrays);
  if (path !== "") {
    const file = openSync(path, "w");
    for (const [, array] of parts)
      writeFileSync(file, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    closeSync(file);
  }
  return { arrays: parts.map(([name, { length }]) => [name, length]), numbers };
}

/** Weights drawn by the formula and outputs written are not the work's memory, which is measured afterwards. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
