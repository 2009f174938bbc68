import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { putStudy, study, tinyStudy } from "./study-fixtures.js";
import { folderForTests, sceneFile, sceneFolder } from "./train-fixtures.js";

const root = folderForTests("study-run");
const runs = (out: string, place: string) => path.join(root, out, "runs", place);
const json = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const results = (out: string) => json(path.join(root, out, "results.json"));
const experiments = {
  both: "  accuracy: { asks: accuracy, train: [scenes], budgets: [short], classes: [road] }\n",
  longer: "  accuracy: { asks: accuracy, systems: [ad-sam], train: [scenes], budgets: [longer] }\n",
  transfer:
    "  far: { asks: transfer, systems: [sam], train: [scenes], test: [streets], budgets: [short], seeds: [0] }\n",
  cost: "  cost: { asks: efficiency, systems: [sam], train: [scenes] }\n",
};
const put = (name: string, lines: string, text = tinyStudy) =>
  putStudy(path.join(root, name), `${text}experiments:\n${lines}`);

before(async () => {
  await sceneFolder(root);
});

describe("adsam study run", () => {
  test("trains, scores at home and elsewhere, measures, and gathers it all; done runs are left alone", async () => {
    put(
      "whole.yaml",
      experiments.both + experiments.transfer + experiments.cost,
      tinyStudy.replace("seeds: [0]", "seeds: [0, 1]"),
    );
    const { status, stdout, stderr } = await study(["run", "whole.yaml", "--out", "whole"], root);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /drawing 2 pictures of Streets\n/);
    assert.match(
      stderr,
      /run 2 of 4 {2}SAM on Scenes, 2 epochs, seed 0 {2}sam\.scenes\.2epochs\.seed0-[0-9a-f]{8}\n11 training and 2 validation/,
    );
    assert.match(stderr, /Streets {2}mIoU \d+\.\d %, \d\.\d\d of it kept/);
    assert.match(stdout, /^4 of 4 runs done\nresults {2}\S+whole\/results\.json\n$/);
    const found = results("whole");
    assert.equal(found.format, "adsam study results 1");
    assert.deepEqual(found.commands, ["adsam study run whole.yaml --out whole"]);
    const [first, second] = found.runs;
    assert.deepEqual([first.curve.length, first.trainPictures, first.missing], [2, 11, undefined]);
    assert.ok(first.curve[1].minutes > first.curve[0].minutes && first.curve[0].minutes > 0);
    assert.equal(first.recipeHash, found.runs[2].recipeHash);
    assert.deepEqual(
      second.scores.map(({ dataset }: { dataset: string }) => dataset),
      ["Scenes", "Streets"],
    );
    assert.equal(first.scores[0].mIoU, first.curve[1].valMIoU, "the weights of the end are scored");
    const row = (system: string, test: string, metric: string) =>
      found.rows.find(
        (one: Record<string, unknown>) => one.system === system && one.test === test && one.metric === metric,
      );
    const { value, low, high, seeds } = row("ad-sam", "Scenes", "mIoU");
    const scores = [found.runs[0].scores[0].mIoU, found.runs[2].scores[0].mIoU];
    assert.ok(Math.abs(value - (scores[0] + scores[1]) / 2) < 1e-12 && low < value && value < high);
    assert.ok(
      Math.abs(high - value - (12.7062 * Math.abs(scores[0] - scores[1])) / 2) < 1e-4 * high,
      "t of one degree of freedom",
    );
    assert.deepEqual(seeds, [0, 1]);
    assert.equal(row("sam", "Streets", "mIoU").low, null, "a single seed has no interval");
    assert.ok(row("ad-sam", "Scenes", "iou.road").value >= 0 && row("sam", "Scenes", "parameters").value > 1000);

    const again = await study(["run", "whole.yaml", "--out", "whole", "--json"], root);
    assert.deepEqual([again.status, again.stderr], [0, ""]);
    assert.equal(json(path.join(runs("whole", "sam.scenes.2epochs.seed1"), "run.json")).attempts.length, 1);

    const shown = await study(["status", "whole.yaml", "--out", "whole"], root);
    assert.match(
      shown.stdout,
      /run +state +epochs +minutes +mIoU\nad-sam\.scenes\.2epochs\.seed0 +done +2\/2 +\d+\.\d +\d+\.\d %\n/,
    );
    assert.match(shown.stdout, /4 runs: 4 done; 1 of 1 system measured\n$/);
  });

  test("--jobs 2: a line an epoch, told apart by their runs", async () => {
    put("jobs.yaml", experiments.both);
    const { status, stderr } = await study(["run", "jobs.yaml", "--out", "jobs", "--jobs", "2"], root);
    assert.equal(status, 0, stderr);
    for (const system of ["ad-sam", "sam"])
      assert.match(
        stderr,
        new RegExp(`^${system}\\.scenes\\.2epochs\\.seed0 {2}epoch 2/2 {2}loss \\d\\.\\d+ · mIoU`, "m"),
      );
  });

  test("results of another version of a recipe are refused, naming both and the field; --fresh redoes them", async () => {
    const one = experiments.both.replace("asks:", "systems: [sam], asks:");
    put("versions.yaml", one);
    assert.equal((await study(["run", "versions.yaml", "--out", "versions"], root)).status, 0);
    put("versions.yaml", one, tinyStudy.replace("lr: 0.001", "lr: 0.002"));
    const refused = await study(["run", "versions.yaml", "--out", "versions"], root);
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /sam\.scenes\.2epochs\.seed0": found results of another version of its recipe, sam\S+-[0-9a-f]{8} \(there and now: optim\.lr 0\.001 and 0\.002\), expected sam\S+.*--fresh/s,
    );
    const shown = await study(["status", "versions.yaml", "--out", "versions"], root);
    assert.match(shown.stdout, /sam\.scenes\.2epochs\.seed0 +outdated +there: sam/);
    const fresh = await study(["run", "versions.yaml", "--out", "versions", "--fresh"], root);
    assert.equal(fresh.status, 0, fresh.stderr);
    assert.equal(json(path.join(runs("versions", "sam.scenes.2epochs.seed0"), "run.json")).recipe.optim.lr, 0.002);
  });

  test("data that are not there, classes that are not theirs, and words that say nothing are refused before anything begins", async () => {
    const refused = async (lines: string, text: string, ...more: string[]) => {
      put("bad.yaml", lines, text);
      const { status, stderr } = await study(["run", "bad.yaml", "--out", "bad", ...more], root);
      assert.equal(status, 1);
      assert.ok(!existsSync(path.join(root, "bad", "runs")));
      return stderr;
    };
    const homeless = tinyStudy.replace(", root: DATA", "");
    assert.match(
      await refused(experiments.both, homeless),
      /data set "scenes" of the study: found no folder.*--data scenes=FOLDER/s,
    );
    assert.match(
      await refused(experiments.both, homeless, "--data", "scene=data"),
      /found the unknown data set "scene".*Did you mean "scenes"/s,
    );
    assert.match(
      await refused(experiments.both, homeless, "--data", "data"),
      /--data: found "data", expected NAME=FOLDER/,
    );
    assert.match(
      await refused(experiments.both.replace("[road]", "[roof]"), tinyStudy),
      /key "experiments\.accuracy\.classes": found the unknown class "roof", expected classes of Scenes: road, sidewalk/,
    );
    const shown = await study(["status", "bad.yaml", "--out", "bad"], root);
    assert.match(shown.stdout, /2 waiting/);
    put("bad.yaml", experiments.both, homeless);
    assert.match(
      (await study(["status", "bad.yaml", "--out", "bad"], root)).stdout,
      /sam\.scenes\.2epochs\.seed0 +missing +no folder for scenes: --data scenes=FOLDER/,
    );
  });

  test("a run that is refused in training is a failure with its reason, and no other run's", async () => {
    const text = tinyStudy.replace("model: { name: sam }", "model: { name: sam }, loss: { classWeights: [1, 2] }");
    put("refused.yaml", experiments.both, text);
    const { status, stdout } = await study(["run", "refused.yaml", "--out", "refused"], root);
    assert.equal(status, 1);
    assert.match(
      stdout,
      /^1 of 2 runs done, 1 failed\n {2}sam\S+: recipe key loss\.classWeights: found 2 weights, expected 19/,
    );
    rmSync(path.join(root, "refused"), { recursive: true });
    assert.ok(existsSync(sceneFile(path.join(root, "data"), "train", 0, "picture")), "what is not the study's stays");
  });
});
