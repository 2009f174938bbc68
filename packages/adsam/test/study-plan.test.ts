import assert from "node:assert/strict";
import path from "node:path";
import { describe, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { only } from "../src/study/plan/only.js";
import { planStudy } from "../src/study/plan/plan.js";
import { readStudy } from "../src/study/plan/read.js";
import { shippedStudies } from "../src/study/plan/shipped.js";
import { putStudy, tinyStudy } from "./study-fixtures.js";
import { folderForTests } from "./train-fixtures.js";

const root = folderForTests("study-plan");
let files = 0;
const put = (text: string) => putStudy(path.join(root, `study-${files++}.yaml`), text);
const planned = (experiments: string, text = tinyStudy, options = {}) => {
  const study = readStudy(put(`${text}experiments:\n${experiments}`), options);
  return { study, ...planStudy(study) };
};
const accuracy = "  accuracy: { asks: accuracy, train: [scenes], budgets: [short] }\n";

describe("a study's plan", () => {
  test("systems by seed, in the order of the experiments; a run that two experiments ask for stands once", () => {
    const transfer = "  far: { asks: transfer, systems: [sam], train: [scenes], test: [streets], budgets: [short] }\n";
    const few =
      "  few: { asks: data-efficiency, systems: [sam], train: [scenes], pictures: [4, all], budgets: [short] }\n";
    const { runs } = planned(accuracy + transfer + few, tinyStudy.replace("seeds: [0]", "seeds: [0, 3]"));
    assert.deepEqual(
      runs.map(({ place, tests, experiments }) => [place, tests.join(), experiments.join()]),
      [
        ["ad-sam.scenes.2epochs.seed0", "scenes", "accuracy"],
        ["sam.scenes.2epochs.seed0", "scenes,streets", "accuracy,far,few"],
        ["ad-sam.scenes.2epochs.seed3", "scenes", "accuracy"],
        ["sam.scenes.2epochs.seed3", "scenes,streets", "accuracy,far,few"],
        ["sam.scenes.2epochs.4pictures.seed0", "scenes", "few"],
        ["sam.scenes.2epochs.4pictures.seed3", "scenes", "few"],
      ],
    );
    const [first, , third] = runs;
    assert.equal(first!.recipeHash, third!.recipeHash, "seeds share a recipe");
    assert.notEqual(first!.id.slice(-8), third!.id.slice(-8));
    assert.deepEqual(
      [runs[4]!.recipe.data.limitTrain, runs[4]!.recipe.train.epochs, runs[4]!.recipe.model.name],
      [4, 2, "sam"],
    );
  });

  test("an id follows from what decides the training, and from nothing else", () => {
    const id = (text: string) => planned(accuracy, text).runs[0]!.id;
    const usual = id(tinyStudy);
    assert.equal(id(tinyStudy.replace("threads: 1", "threads: 2").replace("root: DATA", "root: elsewhere")), usual);
    assert.equal(id(tinyStudy.replace("title: Scenes", "title: Others")), usual);
    assert.notEqual(id(tinyStudy.replace("lr: 0.001", "lr: 0.002")), usual);
    assert.notEqual(id(tinyStudy.replace("kind: cityscapes", "kind: auto")), usual);
    assert.match(usual, /^ad-sam\.scenes\.2epochs\.seed0-[0-9a-f]{8}$/);
  });

  test("the experiment's fields are stronger than the data set's, those than the system's, those than the study's", () => {
    const text = tinyStudy
      .replace("kind: subject }", "kind: subject, recipe: { optim: { lr: 0.2, momentum: 0.2, eps: 0.2 } } }")
      .replace("limitVal: 2 }", "limitVal: 2, recipe: { optim: { momentum: 0.3, eps: 0.3 } } }");
    const { runs } = planned(accuracy.replace(" }", ", recipe: { optim: { eps: 0.4 } } }"), text);
    const { lr, momentum, eps } = runs[0]!.recipe.optim;
    assert.deepEqual([lr, momentum, eps, runs[1]!.recipe.optim.lr], [0.2, 0.3, 0.4, 0.001]);
  });

  test("--quick replaces what it names; null takes an entry out, and is a value among a recipe's fields", () => {
    const quick =
      "quick: { seeds: [5], experiments: { far: null }, data: { scenes: { recipe: { augment: { crop: null } } } } }\n";
    const far = "  far: { asks: transfer, train: [scenes], test: [streets], budgets: [longer] }\n";
    const text =
      quick + tinyStudy.replace("limitVal: 2 }", "limitVal: 2, recipe: { augment: { crop: 64x32, mirror: 0 } } }");
    const long = planned(accuracy + far, text).runs;
    assert.deepEqual([long.length, long[0]!.recipe.augment.crop], [4, { height: 64, width: 32 }]);
    const { runs } = planned(accuracy + far, text, { quick: true });
    assert.deepEqual([...new Set(runs.map(({ seed, budget }) => `${seed} ${budget.epochs}`))], ["5 2"]);
    assert.deepEqual([runs[0]!.recipe.augment.crop, runs[0]!.recipe.augment.mirror], [null, 0]);
    assert.throws(() => planned(accuracy, tinyStudy, { quick: true }), /--quick: found no quick form/);
  });

  test("--only: whole names mean themselves, other words are pieces of ids", () => {
    const { study, ...plan } = planned(accuracy);
    const places = (...words: string[]) => only(study, plan, words).runs.map(({ place }) => place);
    assert.deepEqual(places("sam"), ["sam.scenes.2epochs.seed0"]);
    assert.deepEqual(places("accuracy", "ad-sam"), ["ad-sam.scenes.2epochs.seed0"]);
    assert.equal(places("seed0").length, 2);
    assert.throws(() => places("bdd"), /--only bdd: found no run that fits, expected systems \(ad-sam, sam\)/);
  });

  test("what comes with adsam is a plan, long and quick", () => {
    assert.deepEqual(shippedStudies(), ["authors", "paper", "small"]);
    for (const name of shippedStudies())
      for (const quick of [false, true])
        try {
          const { runs, measures } = planStudy(readStudy(name, { quick }));
          assert.ok(runs.length > 0 && measures.length > 0);
        } catch (error) {
          // A system that this version does not build yet is told of by its name, and nothing else is wrong before it.
          assert.ok(error instanceof Problem);
          assert.match(error.message, /recipe\.model\.name": found "(deeplabv3|g-sam)", expected one of ad-sam, sam/);
        }
  });
});

describe("a study that is wrong is refused, naming key and line", () => {
  const cases: [what: string, text: string, message: RegExp][] = [
    [
      "a system",
      accuracy.replace("asks:", "systems: [sak], asks:"),
      /yaml:21, key "experiments\.accuracy\.systems": found the unknown system "sak", expected one of ad-sam, sam\. Did you mean "sam"/,
    ],
    [
      "a data set",
      accuracy.replace("scenes", "scene"),
      /:21, key "experiments\.accuracy\.train": found the unknown data set "scene".*"scenes"/s,
    ],
    ["a budget", accuracy.replace("short", "shor"), /the unknown budget "shor".*Did you mean "short"/s],
    [
      "a key",
      accuracy.replace("budgets", "budget"),
      /:21, unknown key "experiments\.accuracy\.budget".*Did you mean "budgets"/s,
    ],
    [
      "a question",
      accuracy.replace("asks: accuracy", "asks: speed"),
      /:21, key "experiments\.accuracy\.asks": found "speed"/,
    ],
    [
      "no budget",
      accuracy.replace(", budgets: [short]", ""),
      /key "experiments\.accuracy\.budgets": found nothing, expected names among short, longer/,
    ],
    [
      "no other data",
      accuracy.replace("asks: accuracy", "asks: transfer"),
      /key "experiments\.accuracy\.test": found nothing/,
    ],
    [
      "a recipe's key",
      accuracy.replace(" }", ", recipe: { optim: { lrr: 1 } } }"),
      /:21, key "experiments\.accuracy\.recipe", unknown key "optim\.lrr".*"optim\.lr"/s,
    ],
    [
      "a recipe's value",
      accuracy.replace(" }", ", recipe: { model: { name: deeplab } } }"),
      /:21, key "experiments\.accuracy\.recipe\.model\.name": found "deeplab", expected one of ad-sam, sam/,
    ],
    [
      "a field that the study decides",
      accuracy.replace(" }", ", recipe: { run: { seed: 1 } } }"),
      /recipe\.run\.seed": expected nothing: the study's seeds says it/,
    ],
  ]; // prettier-ignore
  for (const [what, experiments, message] of cases)
    test(what, () => {
      assert.throws(
        () => planned(experiments),
        (error) => (error instanceof Problem && message.test(error.message) ? true : assert.fail(String(error))),
      );
    });

  test("fields that contradict each other, with where they stand", () => {
    const sam = tinyStudy.replace("{ name: sam }", "{ name: sam, encoder: none }");
    assert.throws(
      () => planned(accuracy, sam),
      /recipe: model\.name \(.*study-\d+\.yaml:11\) and model\.encoder \(.*:11\)/,
    );
  });

  test("two recipes that claim one place, and two systems that are one", () => {
    const again = "  again: { asks: accuracy, train: [scenes], budgets: [short], recipe: { optim: { lr: 0.5 } } }\n";
    assert.throws(
      () => planned(accuracy + again),
      /place "ad-sam\.scenes\.2epochs\.seed0": found two runs that claim it, "ad-sam\S+-[0-9a-f]{8}" and "ad-sam\S+-[0-9a-f]{8}": optim\.lr 0\.001 and 0\.5/,
    );
    assert.throws(
      () => planned(accuracy, tinyStudy.replace(", recipe: { model: { name: sam } }", "")),
      /systems "ad-sam" and "sam" on scenes: found the same recipe/,
    );
  });

  test("a file that is none, and a name that no study has", () => {
    assert.throws(() => readStudy(put("title: [")), /study .*:1 is not valid YAML/);
    assert.throws(() => readStudy(path.join(root, "none.yaml")), /none\.yaml cannot be read: found no such file/);
    assert.throws(() => readStudy("large"), /study: found "large", expected one of authors, paper, small/);
  });
});
