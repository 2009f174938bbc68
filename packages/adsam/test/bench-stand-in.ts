/**
 * A side of the benchmark that computes nothing: answers what its first argument says.
 *
 *     bench-stand-in.js '{"array": [1, 2], "norms": {"weight": 1}, "losses": [0.5], "seconds": [9, 1, 2]}' ORDER
 */
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

export interface Script {
  /** Text for what JSON has no number for: "NaN". */
  readonly array?: readonly (number | string)[];
  readonly norms?: Readonly<Record<string, number>>;
  readonly losses?: readonly number[];
  /** Of each run, the first included; the process fails at the run after the last. */
  readonly seconds: readonly number[];
  /** Does not answer from this run on. */
  readonly silentFrom?: number;
}

const { array = [], norms = {}, losses = [], seconds, silentFrom } = JSON.parse(process.argv[2]!) as Script;
const answer = (record: object) => console.log(JSON.stringify(record));
let runs = 0;
answer({ version: "1" });
for await (const line of createInterface({ input: process.stdin })) {
  const [command, path = ""] = line.split(" ");
  if (command === "run") {
    if (runs === silentFrom) continue;
    if (runs === seconds.length) {
      console.error("out of memory");
      process.exit(3);
    }
    const loss = losses[runs];
    answer({ seconds: { total: seconds[runs] }, numbers: loss === undefined ? {} : { loss } });
    runs += 1;
  } else if (command === "needs")
    answer({ operators: [{ name: "product", phase: "total", flops: 10, bytes: 4 }], uncounted: {} });
  else {
    if (path) writeFileSync(path, Float32Array.from(array.map(Number)));
    answer({ arrays: array.length > 0 ? [["logits", array.length]] : [], numbers: norms });
  }
}
