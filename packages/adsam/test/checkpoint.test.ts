import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { Generator, liveTensors, openCheckpoint, saveCheckpoint, scope, type Tensor } from "@adsam/torch";
import { loadNetwork, readCheckpoint } from "../src/train/checkpoint.js";
import { networkOf } from "../src/train/network.js";
import { folderForTests, sceneFolder, tinyRecipe, train } from "./train-fixtures.js";

const root = folderForTests("checkpoint");
const flags = { "model.resnet": "none", "train.epochs": 1, "data.limitTrain": 4, "data.limitVal": 1 };
const recipe = (name: string, more: Record<string, unknown> = {}) =>
  tinyRecipe({ ...flags, "data.root": path.join(root, "data"), "run.out": path.join(root, name), ...more });
const best = path.join(root, "run", "best.pth");
const last = path.join(root, "run", "last.pth");

before(async () => {
  await sceneFolder(root);
  await train(recipe("run"));
});

describe("checkpoints", () => {
  test("best.pth holds the weights, last.pth also what resuming needs; both say what they are of", () => {
    scope(() => {
      const [of, resumable] = [readCheckpoint(best), readCheckpoint(last)];
      assert.equal(of.training, undefined);
      assert.ok(resumable.training);
      assert.deepEqual(of.recipe, recipe("run"));
      assert.deepEqual([of.progress.epoch, of.progress.step, of.progress.batches], [1, 1, 0]);
      assert.deepEqual(of.progress.best, resumable.progress.best);
      assert.equal(of.classes.names[13], "car");
      using network = networkOf(of.recipe, of.classes);
      assert.deepEqual([...of.weights.keys()], [...network.stateDict().keys()]);
    });
  });

  test("a loaded network is ready to predict, and nothing but it stays in memory", () => {
    const before = liveTensors().count;
    const { network } = loadNetwork(best);
    assert.equal(network.training, false);
    assert.equal(liveTensors().count - before, network.tensors().length);
    network[Symbol.dispose]();
    assert.equal(liveTensors().count, before);
  });

  test("PyTorch reads the weights under the same names", {
    skip: !pytorch() && "no /usr/bin/python3 with torch",
  }, () => {
    const program = `import torch, sys
state = torch.load(sys.argv[1])["model"]
print(len(state), state["classifier.3.weight"].shape[0], float(state["classifier.3.weight"].double().sum()))`;
    const { stdout, stderr } = spawnSync("/usr/bin/python3", ["-c", program, best], { encoding: "utf8" });
    const [count, numClasses, sum] = stdout.trim().split(" ").map(Number);
    scope(() => {
      const { weights } = readCheckpoint(best);
      assert.deepEqual([count, numClasses], [weights.size, 19], stderr);
      const own = weights.get("classifier.3.weight")!.to({ dtype: "float64" }).sum().item();
      assert.ok(Math.abs(own - sum!) < 1e-9);
    });
  });

  test("an encoder that came from a file is read from there again: missing, it is named, and another path may be given", async () => {
    const file = path.join(root, "sam.pth");
    scope(() => {
      Generator.default().seed(3);
      using network = networkOf(recipe("unused"), scope(() => readCheckpoint(best)).classes);
      const prefix = "sam_encoder.";
      const own = [...network.stateDict()].filter(([name]) => name.startsWith(prefix));
      saveCheckpoint(
        file,
        new Map(own.map(([name, tensor]) => [`image_encoder.${name.slice(prefix.length)}`, tensor])),
      );
    });
    await train(recipe("frozen", { "model.encoderWeights": file, "model.encoderTrained": false }));
    const light = path.join(root, "frozen", "best.pth");
    const moved = path.join(root, "moved.pth");
    scope(() => saveCheckpoint(moved, openCheckpoint(file, { copy: true }).tree as Map<string, Tensor>));
    rmSync(file);
    assert.throws(
      () => loadNetwork(light),
      (error: Error) => error.name === "Problem" && error.message.includes(file),
    );
    const { network } = loadNetwork(light, { encoderWeights: moved });
    scope(() => {
      const given = openCheckpoint(moved).tree as Map<string, Tensor>;
      const name = "blocks.0.attn.qkv.weight";
      const [loaded, expected] = [network.stateDict().get(`sam_encoder.${name}`)!, given.get(`image_encoder.${name}`)!];
      assert.equal(loaded.sub(expected).abs().max().item(), 0);
    });
    network[Symbol.dispose]();
  });
});

function pytorch(): boolean {
  return spawnSync("/usr/bin/python3", ["-c", "import torch"]).status === 0;
}
