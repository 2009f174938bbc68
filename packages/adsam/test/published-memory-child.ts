/**
 * A process of its own for `published-memory.test.ts`, so that the peak it reports is of one load alone.
 *   write FORM ENCODER PATH   SAM around the encoder, weights as memory happens to be, as `archive`, `safetensors` or `half` (float16)
 *   load START ENCODER PATH   reads it into a network that is `empty` or `filled` before, and prints what that took as JSON
 */
import { readFileSync } from "node:fs";
import { nn, saveCheckpoint, saveSafetensors, scope } from "@adsam/torch";
import type { EncoderSpec } from "../src/models/encoders.js";
import { buildSam } from "../src/models/sam/sam.js";
import { loadSamWeights } from "../src/models/weights.js";

/** What one load took; memory in bytes. */
export interface LoadCost {
  readonly seconds: number;
  /** Of the network's tensors. */
  readonly weights: number;
  /** Resident with the engine loaded, before the network was made. */
  readonly before: number;
  /** The process's highest resident memory. */
  readonly peak: number;
}

const [, , task, how, encoder, path] = process.argv as [string, string, string, string, EncoderSpec, string];
if (task === "write") write();
if (task === "load") console.log(JSON.stringify(load()));

function write(): void {
  scope(() => {
    const sam = nn.init.skipInit(() => buildSam(encoder));
    if (how === "half") sam.to({ dtype: "float16" });
    if (how === "archive") saveCheckpoint(path, sam.stateDict());
    else saveSafetensors(path, sam.stateDict());
  });
}

function load(): LoadCost {
  buildSam("nano").dispose(); // loads the libraries
  const before = status("VmRSS");
  const sam = nn.init.skipInit(() => buildSam(encoder));
  if (how === "filled") for (const tensor of sam.tensors()) nn.init.zeros_(tensor);
  const start = performance.now();
  loadSamWeights(sam, path);
  const seconds = (performance.now() - start) / 1000;
  const weights = sam.tensors().reduce((sum, { numel }) => sum + 4 * numel, 0);
  return { seconds, weights, before, peak: status("VmHWM") };
}

function status(key: string): number {
  return 1024 * Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))![1]);
}
