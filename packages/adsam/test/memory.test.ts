import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { liveTensors } from "@adsam/torch";
import { folderForTests, sceneFolder, tinyRecipe, train } from "./train-fixtures.js";

const root = folderForTests("memory");
before(() => sceneFolder(root));

/** Live tensors and resident memory after each of 60 steps, 5 an epoch. */
async function measure(
  name: string,
  flags: Record<string, unknown>,
): Promise<{ tensors: number[]; resident: number[] }> {
  const often = { "train.epochs": 12, "train.checkpointEvery": 3, "train.valEvery": 4 };
  const small = { "model.resnet": "none", "optim.accumulate": 1, "data.root": path.join(root, "data") };
  const recipe = tinyRecipe({ ...small, ...often, "run.out": path.join(root, name), ...flags });
  const tensors: number[] = [];
  const resident: number[] = [];
  await train(recipe, {}, ({ name }) => {
    if (name !== "stepFinished") return;
    tensors.push(liveTensors().count);
    resident.push(process.memoryUsage.rss());
  });
  assert.equal(tensors.length, 60);
  return { tensors, resident };
}

test("60 steps with checkpoints and validations hold as many tensors as one, and no more memory than ten", async () => {
  const before = liveTensors().count;
  const { tensors, resident } = await measure("windows", {});
  assert.deepEqual(new Set(tensors), new Set([tensors[0]]), "live tensors after each step");
  assert.ok(tensors[0]! > before, "the network and the optimiser's state are alive");
  assert.ok(resident[59]! < 1.15 * resident[9]!, `${resident[9]} bytes after step 10, ${resident[59]} after step 60`);
  assert.equal(liveTensors().count, before, "a run that has ended leaves nothing behind");
});

test("whole pictures add one distance map each, once", async () => {
  const { tensors } = await measure("whole", { "augment.crop": null, "augment.scale": null });
  const seen = new Set(tensors.slice(20)); // 11 pictures, one left out of each epoch: all were seen by now
  assert.deepEqual(seen, new Set([tensors[0]! + 9])); // two of them in the first step
});

/** With the launcher's malloc settings (scripts/setup/environment.mjs), which `adsam test` hands down. */
test("memory after step 1000 is within 3 % of that after step 10", {
  skip: process.env.ADSAM_SLOW !== "1" && "ADSAM_SLOW=1 runs it (bench/memory.mjs, minutes)",
}, () => {
  const bench = fileURLToPath(new URL("../../../../bench/memory.mjs", import.meta.url)); // from dist/test
  const { status, stdout, stderr } = spawnSync(process.execPath, [bench, "--gc", "true"], { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
});
