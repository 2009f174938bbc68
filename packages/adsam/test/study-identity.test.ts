import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { planStudy } from "../src/study/plan/plan.js";
import { readStudy } from "../src/study/plan/read.js";
import { cannotWriteStudy, deleteWhole } from "../src/study/runner/cannot-write.js";
import { scoringOf } from "../src/study/runner/evaluation.js";
import { requireClasses } from "../src/study/runner/fits-data.js";
import { studyFolder } from "../src/study/runner/layout.js";
import { noteMeasured, unmeasured } from "../src/study/runner/unmeasured.js";
import { putStudy, tinyStudy } from "./study-fixtures.js";
import { folderForTests } from "./train-fixtures.js";

const root = folderForTests("study-identity");
const accuracy = "  accuracy: { asks: accuracy, train: [scenes], budgets: [short] }\n";
let files = 0;
const planned = (experiments: string, text = tinyStudy, folder = root) => {
  const study = readStudy(putStudy(path.join(folder, `study-${files++}.yaml`), `${text}experiments:\n${experiments}`));
  return { study, ...planStudy(study) };
};

describe("what scores are of", () => {
  const far = (map: string) =>
    `  far: { asks: transfer, train: [scenes], test: [streets], budgets: [short], labelMap: ${map} }\n`;
  const of = (map: string, folder = root, text = tinyStudy) => {
    const { study, runs } = planned(far(map), text, folder);
    return scoringOf(study, runs[0]!, "streets");
  };

  test("a label map's file counts by its contents, wherever it stands; a name by itself", () => {
    const moved = path.join(root, "moved");
    mkdirSync(moved);
    writeFileSync(path.join(root, "map.yaml"), "from: Scenes\nto: Streets\nclasses: { road: road }\n");
    cpSync(path.join(root, "map.yaml"), path.join(moved, "renamed.yaml"));
    const first = of("./map.yaml");
    assert.match(first, / --label-map sha256:[0-9a-f]{12} /);
    assert.equal(of("./renamed.yaml", moved), first);
    writeFileSync(path.join(root, "map.yaml"), "from: Scenes\nto: Streets\nclasses: { road: car }\n");
    assert.notEqual(of("./map.yaml"), first, "edited in place");
    assert.match(of("auto"), / --label-map auto /);
    assert.match(of("./none.yaml"), / --label-map a-file-that-cannot-be-read /);
  });

  test("retention is of the home data set's own limit; where nothing is limited no word of it", () => {
    assert.match(of("auto"), / --retention-limit 2 /, "scenes has a limit, streets has none");
    const other = tinyStudy.replace(", limitVal: 2", "").replace("kind: synthetic", "kind: synthetic\n    limitVal: 1");
    assert.match(of("auto", root, other), / --limit 1 .*--retention-limit all /);
    const none = tinyStudy.replace(", limitVal: 2", "");
    const drawn = '{"domain":"diverse","train":0,"val":2,"seed":0,"size":{"height":72,"width":128}}';
    assert.equal(
      of("auto", root, none),
      `last streets synthetic ${drawn} --kind bdd100k --split val --label-map auto --boundary --confusion --per-picture --json`,
    );
  });
});

describe("what a training is", () => {
  const withWeights = (encoder: string, resnet: string) =>
    tinyStudy.replace(
      "model: { encoder: nano, encoderWeights: null, encoderTrained: true, resnet: none,",
      `model: { encoder: nano, encoderWeights: ${encoder}, encoderTrained: true, resnet: resnet18, resnetWeights: ${resnet},`,
    );
  const idOf = (text: string, folder = root) => planned(accuracy, text, folder).runs[0]!.id;

  test("files of weights count by their names, not by the folder that the project stands in", () => {
    const text = withWeights("./weights/sam.pth", "./resnet.pth");
    const usual = idOf(text);
    assert.equal(idOf(text, path.join(root, "elsewhere")), usual);
    assert.equal(idOf(withWeights("./other/sam.pth", "./resnet.pth")), usual);
    assert.notEqual(idOf(withWeights("./weights/sam2.pth", "./resnet.pth")), usual);
    assert.notEqual(idOf(withWeights("./auto", "./resnet.pth")), idOf(withWeights("auto", "./resnet.pth")));
    const twins = text.replace("model: { name: sam }", "model: { encoderWeights: ./other/sam.pth }");
    assert.throws(() => planned(accuracy, twins), /the same recipe.*Files of weights are told apart by their names/s);
  });

  test("of a system's own recipe file, what the study decides is the study's", () => {
    writeFileSync(
      path.join(root, "own.yaml"),
      `data: { kind: camvid, root: ./mine, limitTrain: 3, limitSeed: 5 }
train: { minutes: 1, stopAfterMinutes: 0.5, batchSize: 3 }
run: { seed: 7, out: ./runs }
`,
    );
    const text = tinyStudy.replace("kind: subject }", "kind: subject, file: ./own.yaml }");
    const [run] = planned(accuracy, text).runs;
    const { data, train, run: where } = run!.recipe;
    assert.equal(train.batchSize, 3);
    assert.deepEqual(
      [data.kind, data.root, data.limitTrain, data.limitSeed, train.minutes, train.stopAfterMinutes, where.seed],
      ["cityscapes", null, null, "auto", null, null, 0],
    );
    const plain = text.replace("file: ./own.yaml", "recipe: { train: { batchSize: 3 } }");
    assert.equal(planned(accuracy, plain).runs[0]!.id, run!.id);
  });
});

test("classes that an experiment names are those of any of its data sets; where one is not known, nothing is said", () => {
  const far = (name: string) =>
    `  far: { asks: transfer, train: [scenes], test: [streets], budgets: [short], classes: [road, ${name}] }\n`;
  const check = (name: string, streets?: readonly string[]) =>
    requireClasses(planned(far(name)).study, (data) => (data === "scenes" ? ["road"] : streets));
  check("pole", ["pole", "sky"]);
  check("pole");
  assert.throws(
    () => check("pile", ["pole", "sky"]),
    /\.classes": found the unknown class "pile", expected classes of Scenes, Streets: road, pole, sky\. Did you mean "pole"/,
  );
});

describe("a study's folder", () => {
  test("a measurement that failed keeps its reason until it is measured", async () => {
    const { measures } = planned("  cost: { asks: efficiency, train: [scenes] }\n");
    const folder = studyFolder(path.join(root, "costs"));
    const [first, second] = measures;
    assert.deepEqual(unmeasured(folder, measures), [{ measure: first }, { measure: second }]);
    await noteMeasured(folder, first!, "no memory");
    await noteMeasured(folder, { ...second!, id: "another version" }, "no memory either");
    assert.deepEqual(unmeasured(folder, measures), [{ measure: first, error: "no memory" }, { measure: second }]);
    await noteMeasured(folder, first!);
    assert.equal(unmeasured(folder, measures)[0]!.error, "no memory", "stopped: nothing is new");
    writeFileSync(folder.measure(first!.place), JSON.stringify({ id: first!.id }));
    await noteMeasured(folder, first!);
    assert.deepEqual(unmeasured(folder, measures), [{ measure: second }]);
    assert.ok(!readdirSync(path.dirname(folder.measure(first!.place))).includes(`${first!.place}.error.json`));
  });

  test("what the file system refuses is told as such", () => {
    const file = path.join(root, "a-file");
    writeFileSync(file, "");
    assert.throws(() => deleteWhole(root, path.join(file, "below")), {
      name: "Problem",
      message: /^study folder ".*" cannot be written: found a file where a folder should be/,
    });
    deleteWhole(root, file);
    deleteWhole(root, file);
    assert.throws(() => readFileSync(file), { code: "ENOENT" });
    const defect = new TypeError("ours");
    assert.equal(cannotWriteStudy(root, defect), defect);
  });
});
