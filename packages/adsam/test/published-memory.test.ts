import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./published-files.js";
import type { LoadCost } from "./published-memory-child.js";

const child = fileURLToPath(new URL("./published-memory-child.js", import.meta.url));
const noProc = !existsSync("/proc/self/status") && "needs /proc/self/status";
const slow = noProc || (process.env.ADSAM_SLOW !== "1" && "ADSAM_SLOW=1 runs it (7 GB of temporary files, a minute)");
const python = "/usr/bin/python3";
const torch = spawnSync(python, ["-c", "import torch"]).status === 0;

/** At most this much memory for a network's weights, over the weights. */
const limit = 1.15;

function runChild(task: "write" | "load", how: string, encoder: string, path: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [child, task, how, encoder, path], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr.slice(-2000));
  return stdout;
}

function measure(t: TestContext, what: string, encoder: string, path: string, start = "empty"): LoadCost {
  const cost = JSON.parse(runChild("load", start, encoder, path)) as LoadCost;
  const { seconds, weights, before, peak } = cost;
  const ratio = (bytes: number) => (bytes / weights).toFixed(3);
  t.diagnostic(
    `${what}: ${seconds.toFixed(1)} s, ${(weights / 2 ** 20).toFixed(0)} MiB of weights, ${ratio(peak - before)} of them taken, peak of the process ${ratio(peak)}`,
  );
  return cost;
}

/** The same checkpoint in PyTorch's form from before 1.6. */
function toLegacy(from: string, to: string): void {
  const program =
    "import torch, sys; torch.save(torch.load(sys.argv[1]), sys.argv[2], _use_new_zipfile_serialization=False)";
  const { status, stderr } = spawnSync(python, ["-c", program, from, to], { encoding: "utf8" });
  assert.equal(status, 0, stderr.slice(-2000));
}

test("loading ViT-B takes its weights' memory once: out of an archive, of half precision, and over weights there before", {
  skip: noProc,
}, (t) => {
  const folder = temporaryFolder(t);
  for (const form of ["archive", "half"]) {
    const path = join(folder, form);
    runChild("write", form, "sam-vit-b", path);
    const { weights, before, peak } = measure(t, form, "sam-vit-b", path);
    assert.ok(peak - before <= limit * weights, form);
    assert.ok(peak - before >= 0.9 * weights, "the measurement sees the weights");
  }
  const { weights, before, peak } = measure(t, "filled before", "sam-vit-b", join(folder, "archive"), "filled");
  assert.ok(peak - before <= limit * weights);
});

test("ViT-H loads in seconds; the whole process peaks at 1.15 times its weights", { skip: slow }, (t) => {
  const folder = temporaryFolder(t);
  const path = (form: string) => join(folder, form);
  for (const form of ["archive", "safetensors"]) runChild("write", form, "sam-vit-h", path(form));
  if (torch) toLegacy(path("archive"), path("legacy"));
  else t.diagnostic("legacy form left out: no /usr/bin/python3 with torch");
  for (const form of ["archive", "safetensors", ...(torch ? ["legacy"] : [])]) {
    const { seconds, weights, peak } = measure(t, form, "sam-vit-h", path(form));
    assert.ok(peak <= limit * weights, form);
    assert.ok(seconds < 60, `${form}: ${seconds} s`);
  }
});
