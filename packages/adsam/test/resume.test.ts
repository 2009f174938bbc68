import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { writeSyntheticDataset } from "../src/data/synthetic/write.js";
import { adsam, assertSameRun, at, folderForTests, tinyWords } from "./train-fixtures.js";

const root = folderForTests("resume");
const out = (name: string) => path.join(root, name);
/** 11 pictures in batches of 2: five batches an epoch, whose gradients make steps of 2, 2 and 1; the last picture of the order is left out. */
const words = (name: string, flags: Record<string, unknown> = {}) => [
  "train",
  "--json",
  ...tinyWords({ "data.root": path.join(root, "data"), "run.out": out(name), ...flags }),
];

before(async () => {
  const size = { width: 96, height: 64 };
  await writeSyntheticDataset({
    domain: "structured",
    root: path.join(root, "data"),
    train: 11,
    val: 2,
    seed: 3,
    size,
  });
});

for (const threads of [1, 2])
  describe(`a run that ended early and is resumed ends with the same bits, ${threads} thread${threads > 1 ? "s" : ""}`, () => {
    const whole = `whole-${threads}`;
    before(async () => {
      const { status, stderr } = await adsam(words(whole, { "run.threads": threads }));
      assert.equal(status, 0, stderr);
    });

    test("killed within an epoch, after a checkpoint there", async () => {
      const name = `killed-within-${threads}`;
      const flags = { "run.threads": threads, "train.checkpointEvery": 1 };
      const kill = at(
        "checkpointSaved",
        ({ kind, epoch, step }) => kind === "last" && epoch === 1 && step === 4,
        "SIGKILL",
      );
      assert.equal((await adsam(words(name, flags), kill)).signal, "SIGKILL");
      assert.ok(existsSync(path.join(out(name), ".lock")), "a killed process cannot clear its claim away");
      const half = path.join(out(name), ".last.pth.12-0123abcd.tmp"); // as a kill in the midst of writing leaves it
      writeFileSync(half, "half");
      const { status, stdout, stderr } = await adsam([...words(name, flags), "--resume"]);
      assert.equal(status, 0, stderr);
      const steps = stdout.split("\n").filter((line) => line.startsWith('{"event":"stepFinished"'));
      assert.ok(steps.length >= 1 && steps.length <= 3, `it went on within the second epoch: ${steps.length} batches`);
      assert.deepEqual(
        readdirSync(out(name)).filter((file) => file.startsWith(".")),
        [],
      );
      assertSameRun(out(name), out(whole));
    });

    if (threads > 1) return;

    test("killed within an epoch without a checkpoint of its own, and resumed with nothing but its folder", async () => {
      const name = "killed-before";
      const kill = at("stepFinished", ({ epoch, stepInEpoch }) => epoch === 2 && stepInEpoch === 1, "SIGKILL");
      assert.equal((await adsam(words(name), kill)).signal, "SIGKILL");
      const { status, stderr } = await adsam(["train", "--json", "--resume", "--out", out(name)]);
      assert.equal(status, 0, stderr);
      assertSameRun(out(name), out(whole));
    });

    test("interrupted by Ctrl-C: it finishes its step, saves, says how to go on, and ends with 130", async () => {
      const name = "interrupted";
      const stop = at("stepFinished", ({ epoch, stepInEpoch }) => epoch === 1 && stepInEpoch === 1, "SIGINT");
      const first = await adsam(words(name), stop);
      assert.deepEqual([first.status, first.signal], [130, null], first.stderr);
      assert.match(first.stderr, /stopping: finishing this step, then saving \(Ctrl-C again ends it at once\)/);
      const last = JSON.parse(first.stdout.trimEnd().split("\n").at(-1)!);
      assert.deepEqual([last.event, last.reason], ["runFinished", "stopped"]);
      assert.ok(!existsSync(path.join(out(name), ".lock")));
      const { status, stderr } = await adsam([...words(name), "--resume"]);
      assert.equal(status, 0, stderr);
      assertSameRun(out(name), out(whole));
    });
  });
