import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { readLabelIds } from "../src/data/label-png.js";
import { ConfusionMatrix } from "../src/metrics/confusion.js";
import { readStudyResults } from "../src/study/results.js";
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
    assert.match(
      stdout,
      /^4 of 4 runs done\nresults {2}\S+whole\/results\.json\nreport {3}\S+whole\/report\/report\.html\n$/,
    );
    const found = readStudyResults(path.join(root, "whole", "results.json"));
    assert.deepEqual(found.commands, ["adsam study run whole.yaml --out whole"]);
    const [first, second] = found.runs;
    assert.deepEqual([first!.curve.length, first!.trainPictures, first!.missing], [2, 11, undefined]);
    assert.equal(first!.recipeHash, found.runs[2]!.recipeHash);
    assert.deepEqual(
      second!.scores.map(({ dataset }) => dataset),
      ["Scenes", "Streets"],
    );
    assert.equal(first!.scores[0]!.mIoU, first!.curve[1]!.valMIoU, "the weights of the end are scored");
    assert.ok(second!.scores[1]!.retention!.value !== undefined && second!.scores[1]!.boundary);
    assert.deepEqual(
      [second!.scores[1]!.pictures, second!.scores[1]!.retention!.pictures],
      [2, 2],
      "home by its limit",
    );
    const seen = (run: number) => found.runs[run]!.scores[0]!.perPicture!.map(({ id }) => id);
    assert.deepEqual(seen(2), seen(0), "seeds are scored on the same part");
    assert.deepEqual(found.colours!.Scenes!.road, [128, 64, 128]);
    const row = (system: string, test: string, metric: string) =>
      found.rows.find((one) => one.system === system && one.test === test && one.metric === metric);
    const { value, low, high, seeds } = row("ad-sam", "Scenes", "mIoU")!;
    const scores = [found.runs[0]!.scores[0]!.mIoU!, found.runs[2]!.scores[0]!.mIoU!] as const;
    assert.ok(Math.abs(value - (scores[0] + scores[1]) / 2) < 1e-12 && low! < value && value < high!);
    assert.ok(
      Math.abs(high! - value - (12.7062 * Math.abs(scores[0] - scores[1])) / 2) < 1e-4 * high!,
      "t of one degree of freedom",
    );
    assert.deepEqual(seeds, [0, 1]);
    const [single, pixels] = ["mIoU", "pixelAccuracy"].map((metric) => row("sam", "Streets", metric)!);
    assert.ok(single!.seeds.length === 1 && single!.low! <= single!.value, "over the pictures");
    assert.equal(pixels!.low, null, "a single seed has no other interval");
    assert.ok(row("ad-sam", "Scenes", "iou.road")!.value >= 0 && row("sam", "Scenes", "parameters")!.value > 1000);
    assert.equal(row("ad-sam", "Scenes", "iou.sky"), undefined, "the experiment names road alone");

    assert.deepEqual([first!.pictures!.length, found.runs[2]!.pictures], [2, undefined], "of the first seed");
    const { label, prediction, mIoU } = first!.pictures![0]!;
    const [truth, guess] = await Promise.all(
      [label, prediction].map((file) => readLabelIds(path.join(root, "whole", file))),
    );
    const matrix = new ConfusionMatrix(19, 255);
    matrix.update(Uint8Array.from(guess!.data), Uint8Array.from(truth!.data));
    assert.equal(mIoU, matrix.meanIoU(), "the picture's own");
    const page = readFileSync(path.join(root, "whole", "report", "report.html"), "utf8");
    for (const said of ["Scenes → Streets", "What they see", "adsam study run whole.yaml --out whole"])
      assert.ok(page.includes(said), said);
    assert.doesNotMatch(page, /What is missing/);

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

  test("scores of another evaluation are none of this study's: done again, without training again", async () => {
    const one = experiments.both.replace("asks:", "systems: [sam], asks:");
    put("looks.yaml", one);
    assert.equal((await study(["run", "looks.yaml", "--out", "looks"], root)).status, 0);
    const plain = results("looks").runs[0].scores[0];
    put("looks.yaml", one, `evaluate: { ttaMirror: true, crf: true, ttaScales: [0.5, 1] }\n${tinyStudy}`);
    assert.match(
      (await study(["status", "looks.yaml", "--out", "looks"], root)).stdout,
      /waiting .*to be scored on scenes/,
    );
    const { status, stderr } = await study(["run", "looks.yaml", "--out", "looks"], root);
    assert.equal(status, 0, stderr);
    const { scores, curve } = results("looks").runs[0];
    const { mirror, scales, crf } = scores[0].refinement;
    assert.deepEqual([mirror, scales, typeof crf, plain.refinement], [true, [0.5, 1], "object", undefined]);
    assert.notDeepEqual(scores[0].confusion, plain.confusion);
    assert.equal(plain.mIoU, curve[1].valMIoU);
    assert.equal(json(path.join(runs("looks", "sam.scenes.2epochs.seed0"), "run.json")).attempts.length, 1);
  });

  test("what comes with adsam, in its quick form, two at once: every kind of system; the report says what is missing", async () => {
    const words = ["small", "--quick", "--out", "small", "--only", "accuracy", "--jobs", "2"];
    const { status, stdout, stderr } = await study(["run", ...words], root);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^5 of 5 runs done\n/);
    for (const system of ["ad-sam", "sam", "g-sam", "deeplabv3-resnet50", "ad-sam-convolution"])
      assert.match(
        stderr,
        new RegExp(`^${system}\\.camvid\\.2epochs\\.seed0 {2}epoch 2/2 {2}loss \\d\\.\\d+ · mIoU`, "m"),
      );
    const found = readStudyResults(path.join(root, "small", "results.json"));
    const kept = found.runs
      .filter(({ missing }) => missing === undefined)
      .map(({ system, scores }) => [system, scores.length]);
    assert.deepEqual(kept, [
      ["ad-sam", 2],
      ["sam", 2],
      ["g-sam", 2],
      ["deeplabv3-resnet50", 2],
      ["ad-sam-convolution", 1],
    ]); // prettier-ignore
    const page = readFileSync(path.join(root, "small", "report", "report.html"), "utf8");
    assert.match(page, /14 of 19 runs and 3 costs are missing or not complete/);
    assert.match(page, /no-deformable\.camvid\.2epochs\.seed0-[0-9a-f]{8}<.*?>not begun</s);
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
    assert.equal((await study(["report", "versions.yaml", "--out", "versions"], root)).status, 0);
    assert.match(
      readFileSync(path.join(root, "versions", "report", "report.html"), "utf8"),
      /results of another version of its recipe, sam\S+ \(optim\.lr 0\.001 and 0\.002\)/,
    );
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
    const few = "  few: { asks: data-efficiency, train: [scenes], pictures: [4, SIZE, all], budgets: [short] }\n";
    for (const size of ["11", "400"])
      assert.match(
        await refused(few.replace("SIZE", size), tinyStudy),
        new RegExp(
          `key "experiments\\.few\\.pictures": found ${size} pictures of Scenes, whose split "train" has 11, expected fewer than 11.*\`all\` trains on the whole split`,
          "s",
        ),
      );
    const map = "from: Scenes\nto: Streets\nclasses:\n  road: road\n  car: car\n";
    writeFileSync(path.join(root, "few.yaml"), map);
    assert.match(
      await refused(experiments.transfer.replace("test:", "labelMap: ./few.yaml, test:"), tinyStudy),
      /label map ".*few\.yaml", Scenes → Streets: found nothing about "sidewalk", "building"/,
    );
    assert.match(
      await refused(experiments.transfer.replace("test:", "labelMap: few, test:"), tinyStudy),
      /--label-map: found "few", expected auto, one of camvid-to-cityscapes/,
    );
    rmSync(path.join(root, "bad"), { recursive: true });
    const shown = await study(["status", "bad.yaml", "--out", "bad"], root);
    assert.match(shown.stdout, /1 run: 1 waiting/);
    put("bad.yaml", experiments.both, homeless);
    assert.match(
      (await study(["status", "bad.yaml", "--out", "bad"], root)).stdout,
      /sam\.scenes\.2epochs\.seed0 +missing +no folder for scenes: --data scenes=FOLDER/,
    );
  });

  test("classes that no data set has are refused also where no data are needed any more", async () => {
    const one = experiments.both.replace("asks:", "systems: [sam], asks:");
    put("classes.yaml", one);
    const run = () => study(["run", "classes.yaml", "--out", "classes"], root);
    assert.equal((await run()).status, 0);
    put("classes.yaml", one.replace("[road]", "[rod]"));
    const { status, stderr } = await run();
    assert.equal(status, 1);
    assert.match(stderr, /found the unknown class "rod", expected classes of Scenes: .*Did you mean "road"/s);
  });

  test("study report: of a folder, of a file of results, to another folder; of nothing it is refused", async () => {
    put("told.yaml", experiments.both.replace("asks:", "systems: [ad-sam], asks:"));
    const none = await study(["report", "told.yaml", "--out", "told"], root);
    assert.match(none.stderr, /study folder ".*told": found neither runs nor results, .*adsam study run told\.yaml/s);
    assert.equal((await study(["run", "told.yaml", "--out", "told"], root)).status, 0);
    const [here, there] = await Promise.all([
      study(["report", "told.yaml", "--out", "told", "--json"], root),
      study(["report", path.join("told", "results.json"), "--to", "there"], root),
    ]);
    assert.equal(JSON.parse(here.stdout).html, path.join(root, "told", "report", "report.html"));
    assert.equal(path.resolve(root, there.stdout.trim()), path.join(root, "there", "report.html"));
    assert.equal(
      readFileSync(path.join(root, "there", "tables.md"), "utf8"),
      readFileSync(path.join(root, "told", "report", "tables.md"), "utf8"),
    );
    assert.deepEqual(results("told").commands, ["adsam study run told.yaml --out told"]);
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
