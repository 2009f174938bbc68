// @ts-check
/**
 * ONNX Runtime's side of the benchmark: runs the network in `model` on inputs drawn by the formula; the protocol is that of measure.py.
 *
 *     onnx_runtime.mjs '{"work": "sam-encoder", "model": "encoder.onnx", "batch": 1, "height": 1024, "width": 1024, "threads": 2, …}'
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { inputValues } from "../../packages/adsam/dist/src/bench/formula.js";

/** @type {import("../../packages/adsam/src/bench/order.js").Order} */
const order = JSON.parse(process.argv[2] ?? "{}");
const { batch, height, width, threads, channels = [0, 0], model = "" } = order;

/** Channels and range of each input, as the other sides draw them. @type {Record<string, [channels: number, lo: number, hi: number]>} */
const drawn = { image: [3, -2, 2], input: [channels[0], -1, 1], offset: [18, -2, 2], mask: [9, 0, 1] };
const phase = order.work === "deform-conv" ? "forward" : "total";

const session = await InferenceSession.create(model, {
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
});
/** @type {Record<string, Tensor>} */
const feeds = {};
for (const name of session.inputNames) {
  const known = drawn[name];
  if (known === undefined) throw new Error(`no formula for the network's input "${name}"`);
  const [count, lo, hi] = known;
  const shape = [batch, count, height, width];
  feeds[name] = new Tensor("float32", inputValues(name, { shape, lo, hi }), shape);
}

/** @param {object} record */
const answer = (record) => process.stdout.write(`${JSON.stringify(record)}\n`);
const { version } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.resolve("onnxruntime-node")), "utf8"),
);

/** @type {Record<string, Tensor>} */
let results = {};
answer({ version: `ONNX Runtime ${version}` });
for await (const line of createInterface({ input: process.stdin })) {
  const [command, path = ""] = line.split(/ (.*)/);
  if (command === "run") {
    const started = performance.now();
    results = /** @type {Record<string, Tensor>} */ (await session.run(feeds));
    answer({ seconds: { [phase]: (performance.now() - started) / 1000 }, numbers: {} });
  } else {
    const arrays = Object.entries(results).map(([name, { data }]) => [name, /** @type {Float32Array} */ (data)]);
    writeFileSync(
      path,
      Buffer.concat(
        arrays.map(([, { buffer, byteOffset, byteLength }]) => Buffer.from(buffer, byteOffset, byteLength)),
      ),
    );
    answer({ arrays: arrays.map(([name, { length }]) => [name, length]), numbers: {} });
  }
}
