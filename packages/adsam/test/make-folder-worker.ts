/** Makes one deep folder after another, each in the same instant as the other thread. Tells the errors. */
import path from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { makeFolder } from "../src/data/make-folder.js";

const { root, gate, rounds } = workerData as { root: string; gate: Int32Array; rounds: number };
const failed: string[] = [];
for (let round = 1; round <= rounds; round++) {
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < 2 * round); // until the other is there, too
  try {
    makeFolder(path.join(root, String(round), "a", "b", "c"));
  } catch (error) {
    failed.push((error as Error).message);
  }
}
parentPort!.postMessage(failed);
