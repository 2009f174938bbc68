/**
 * A side of the benchmark that computes nothing: answers what its first argument says.
 *
 *     stand-in.js '{"logits": [1, 2], "norms": {"weight": 1}, "losses": [0.5], "seconds": [9, 1, 2]}' ORDER
 */
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

export interface Script {
  /** Text for what JSON has no number for: "NaN". */
  readonly logits?: readonly (number | string)[];
  readonly norms?: Readonly<Record<string, number>>;
  readonly losses?: readonly number[];
  /** Of each run, the first included; the process fails at the run after the last. */
  readonly seconds: readonly number[];
}

const { logits = [], norms = {}, losses = [], seconds } = JSON.parse(process.argv[2]!) as Script;
const answer = (record: object) => console.log(JSON.stringify(record));
let runs = 0;
answer({ version: "1" });
for await (const line of createInterface({ input: process.stdin })) {
  const [command, path = ""] = line.split(" ");
  if (command === "run") {
    if (runs === seconds.length) {
      console.error("out of memory");
      process.exit(3);
    }
    answer({ seconds: seconds[runs], loss: losses[runs] ?? null });
    runs += 1;
  } else {
    if (path) writeFileSync(path, Float32Array.from(logits.map(Number)));
    answer({ norms });
  }
}
