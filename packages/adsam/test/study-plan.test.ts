import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { estimatedTime } from "../src/study/efficiency/estimated.js";
import { estimate } from "../src/study/plan/estimate.js";
import { only } from "../src/study/plan/only.js";
import { planStudy } from "../src/study/plan/plan.js";
import { readStudy } from "../src/study/plan/read.js";
import { shippedStudies } from "../src/study/plan/shipped.js";
import type { Recipe } from "../src/train/recipe-schema.js";
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

describe("a study that extends another", () => {
  const base = put(`${tinyStudy}experiments:\n${accuracy}`);
  const extending = (text: string) => readStudy(put(`extends: ${path.basename(base)}\n${text}`));

  test("has its entries, maps merged, null taking one out, and its own over them", () => {
    const { runs } = planStudy(
      extending("budgets: { short: null, long: { epochs: 9 } }\nexperiments: { accuracy: { budgets: [long] } }\n"),
    );
    assert.deepEqual(
      runs.map(({ system, recipe }) => [system, recipe.train.epochs]),
      [
        ["ad-sam", 9],
        ["sam", 9],
      ],
    );
  });

  test("names the file and line in which a mistake stands", () => {
    assert.throws(
      () => extending("budgets: { short: { epochs: 0 } }\n"),
      /study .*study-\d+\.yaml:2, key "budgets\.short\.epochs"/,
    );
    assert.throws(
      () => extending("budgets: { short: null, long: { epochs: 9 } }\n"),
      (error: Problem) =>
        error.message.includes(`${path.basename(base)}:`) && /unknown budget "short"/.test(error.message),
    );
  });

  test("is refused where the other one is not there, is no name, or is itself", () => {
    assert.throws(() => readStudy(put("extends: ./none.yaml\n")), /none\.yaml cannot be read: found no such file/);
    assert.throws(
      () => readStudy(put("extends: [small]\n")),
      /:1, key "extends": found \["small"\], expected the name/,
    );
    const own = `study-${files}.yaml`;
    assert.throws(() => readStudy(put(`extends: ./${own}\n`)), /key "extends": found a study that extends itself/);
  });
});

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

  test("fields that a system does not have are left out of what the others say, and refused where it says them itself", () => {
    const text = tinyStudy
      .replace("resnet: none", "resnet: nano, frozenBatchNorm: false")
      .replace(
        "kind: subject }",
        "kind: subject, recipe: { model: { fusionDim: 64 }, optim: { resnetLrFactor: 1 } } }",
      );
    const like = text.replace("kind: baseline,", "kind: baseline, like: ad-sam,");
    const inExperiment = accuracy.replace(" }", ", recipe: { model: { attentionPoints: 2 } } }");
    for (const study of [text, like]) {
      const [adSam, sam] = planned(inExperiment, study).runs.map(({ recipe }) => recipe);
      const [own, plain] = [adSam!.model, sam!.model];
      assert.deepEqual([own.resnet, own.fusionDim, own.attentionPoints], ["nano", 64, 2]);
      assert.deepEqual(
        [plain.resnet, plain.fusionDim, plain.attentionPoints],
        ["resnet50", 256, 4],
        "AD-SAM's defaults",
      );
      assert.deepEqual([sam!.input, plain.encoder, plain.encoderTrained], [adSam!.input, "nano", true]);
    }
    assert.throws(
      () => planned(accuracy, text.replace("{ name: sam }", "{ name: sam, fusionDim: 64 }")),
      /model\.name \(.*:11\) and model\.fusionDim \(.*:11\): found SAM.*model\.fusionDim 64, expected no model\.fusionDim/,
    );
  });

  test("a system that is like another begins with its fields; a system's own defaults lie beneath all", () => {
    const deeplab =
      "  deeplab: { title: DeepLab, kind: baseline, recipe: { model: { name: deeplabv3, resnet: nano } } }\n";
    const more = `${deeplab}  half: { title: Half, kind: ablation, like: ad-sam, recipe: { loss: { dice: 0.5 } } }\n`;
    const text = tinyStudy
      .replace("kind: subject }", "kind: subject, recipe: { loss: { focal: 1 }, optim: { eps: 0.1 } } }")
      .replace("data:\n  scenes", `${more}data:\n  scenes`);
    const { runs } = planned(accuracy, text);
    const of = (system: string) => runs.find((run) => run.system === system)!.recipe;
    assert.deepEqual([of("half").loss.focal, of("half").loss.dice, of("half").optim.eps], [1, 0.5, 0.1]);
    const { optim, loss, model } = of("deeplab");
    assert.deepEqual([optim.name, optim.lr, loss.focal, model.encoder], ["sgd", 0.001, 0, "none"], "lr is the study's");
    assert.throws(
      () => planned(accuracy, text.replace("like: ad-sam", "like: half")),
      /like": found a circle, half → half/,
    );
    assert.throws(() => planned(accuracy, text.replace("like: ad-sam", "like: adsam")), /unknown system "adsam"/);
  });

  test("minutes are the recipe's own, by which its schedule falls; budgets may differ between data sets", () => {
    const timed = tinyStudy.replace("longer: { epochs: 6 }", "longer: { minutes: 20 }");
    const lines =
      "  both: { asks: accuracy, train: [scenes, streets], budgets: { scenes: [short, longer], streets: [longer] } }\n";
    const { study, runs, measures } = planned(lines, timed);
    assert.deepEqual(
      runs.filter(({ system }) => system === "sam").map(({ place, recipe }) => [place, recipe.train.minutes]),
      [
        ["sam.scenes.2epochs.seed0", null],
        ["sam.scenes.20min.seed0", 20],
        ["sam.streets.20min.seed0", 20],
      ],
    );
    const { training, beside, unknown } = estimate(study, { runs, measures }, () => 1e12);
    assert.deepEqual([training, unknown], [80, 2]);
    const [scenes, streets] = [2, 2];
    assert.ok(
      Math.abs(beside - (4 * (8 + 3) + 2 * (2 * scenes + 2 * streets) * 13.06) / 60) < 1e-9,
      "validation, scoring",
    );
    assert.throws(
      () => planned(lines.replace(", streets: [longer]", ""), timed),
      /key "experiments\.both\.budgets": found nothing for streets/,
    );
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
    assert.deepEqual(places("sam.scenes"), ["sam.scenes.2epochs.seed0"]);
    assert.deepEqual(places("accuracy", "ad-sam"), ["ad-sam.scenes.2epochs.seed0"]);
    assert.equal(places("seed0").length, 2);
    assert.throws(() => places("bdd"), /--only bdd: found no run that fits, expected systems \(ad-sam, sam\)/);
  });

  test("what comes with adsam is a plan, long and quick", () => {
    assert.deepEqual(shippedStudies.names(), ["authors", "paper", "small", "two-cores"]);
    for (const name of shippedStudies.names())
      for (const quick of [false, true]) {
        const { runs, measures } = planStudy(readStudy(name, { quick }));
        assert.ok(runs.length > 0 && measures.length > 0);
      }
    const small = readStudy("small");
    const { training, beside, unknown } = estimatedTime(small, planStudy(small));
    assert.ok(training > 60 && beside > 30 && training + beside < 175, "small is over within three hours");
    assert.equal(unknown, 0);
  });

  test("the example of docs/studies.md is a plan", () => {
    const text = readFileSync(new URL("../../../../docs/studies.md", import.meta.url), "utf8");
    const file = put(/```yaml\n(.*?)```/s.exec(text)![1]!);
    assert.equal(planStudy(readStudy(file)).runs.length, 30);
    assert.ok(planStudy(readStudy(file, { quick: true })).runs.length > 0);
  });

  test("systems that come with adsam keep their own recipes where a study does not say otherwise", () => {
    const recipes = (name: string) =>
      new Map(planStudy(readStudy(name)).runs.map(({ system, recipe }) => [system, recipe]));
    const [paper, small] = [recipes("paper"), recipes("small")];
    const fields = ({ optim, loss }: Recipe) => [optim.name, optim.lr, optim.schedule, loss.crossEntropy, loss.focal];
    assert.deepEqual(fields(paper.get("deeplabv3-resnet101")!), ["sgd", 0.01, "poly", 1, 0]);
    assert.deepEqual(
      fields(small.get("deeplabv3-resnet50")!),
      ["muon", 0.001, "poly", 1, 0],
      "small says its optimiser",
    );
    const { model, augment, train } = paper.get("g-sam")!;
    assert.deepEqual(
      [model.encoder, model.resnet, augment.rotate, train.batchSize, train.epochs],
      ["auto", "resnet101", 90, 8, 100],
    );
    assert.deepEqual([small.get("g-sam")!.augment.rotate, small.get("g-sam")!.train.batchSize], [90, 6]);
    const lora = paper.get("g-sam-lora")!;
    assert.deepEqual([lora.model.name, lora.model.adapter, lora.augment.rotate], ["sam", "lora", 90]);
    for (const name of ["g-sam-lora", "g-sam-conv-lora", "g-sam-adaptformer"]) {
      const { input, augment } = paper.get(name)!;
      assert.deepEqual([input, augment.crop], [{ height: 1024, width: 1024 }, null], "crops are G-SAM's alone");
    }
    assert.equal(paper.get("g-sam-adaptformer")!.model.adapterDim, 768 / 4);
    assert.deepEqual(small.get("sam")!.loss, small.get("ad-sam")!.loss);
  });

  test("paper and authors begin with their authors' weights; quick forms, and what has no ResNet, with none", () => {
    const weights: Readonly<Record<string, string>> = {
      resnet50: "resnet50-v2",
      "g-sam": "resnet101",
      "deeplabv3-resnet50": "deeplabv3-resnet50",
      "deeplabv3-resnet101": "deeplabv3-resnet101",
    };
    for (const name of ["paper", "authors"])
      for (const quick of [false, true])
        for (const { system, recipe } of planStudy(readStudy(name, { quick })).runs) {
          const { model } = recipe;
          const hasResnet = model.resnet !== "none" && model.name !== "sam";
          const wanted = quick || !hasResnet ? null : (weights[system] ?? weights[model.resnet]);
          assert.equal(model.resnetWeights, wanted, `${name} ${quick} ${system}`);
          const isFrozen = !quick && hasResnet && model.name !== "g-sam";
          if (hasResnet) assert.equal(model.frozenBatchNorm, isFrozen, `${name} ${quick} ${system}`);
        }
  });

  test("authors is what they ran: sizes of the training split, ablations on all of Cityscapes, validated at the network's size", () => {
    const { runs } = planStudy(readStudy("authors"));
    const of = (system: string, train: string) =>
      [
        ...new Set(
          runs.filter((run) => run.system === system && run.train === train).map(({ budget }) => budget.pictures),
        ),
      ]
        .map((pictures) => pictures ?? "all")
        .sort();
    assert.deepEqual(of("ad-sam-convolution", "cityscapes"), [100, 1000, 500, "all"]);
    assert.deepEqual(of("ad-sam-convolution", "bdd100k"), [100, 1000, 500, "all"]);
    assert.deepEqual(of("deeplabv3-resnet101", "cityscapes"), [100, 1000, 500, "all"]);
    assert.deepEqual(of("deeplabv3-resnet101", "bdd100k"), [100, "all"]);
    const ablations = ["no-deformable", "no-channel-attention", "sam-encoder-only", "cross-entropy"];
    for (const system of ablations) assert.deepEqual([of(system, "cityscapes"), of(system, "bdd100k")], [["all"], []]);
    assert.ok(runs.every(({ recipe }) => recipe.train.valResolution === "network" && recipe.train.epochs === 100));
    assert.ok(
      runs.every(({ recipe }) => recipe.model.name !== "ad-sam" || recipe.model.decoder === "deformable-convolution"),
    );
    const { deformable, channelAttention } = runs.find(({ system }) => system === "sam-encoder-only")!.recipe.model;
    assert.deepEqual([deformable, channelAttention], [false, false]);
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
      "a label map where nothing is transferred",
      accuracy.replace(" }", ", labelMap: auto }"),
      /key "experiments\.accuracy\.labelMap": found "auto", expected nothing: only a transfer has it/,
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

  test("seeds of different recipes, and two label maps between the same data", () => {
    const other =
      "  other: { asks: accuracy, train: [scenes], budgets: [short], seeds: [1], recipe: { optim: { lr: 0.5 } } }\n";
    assert.throws(
      () => planned(accuracy + other),
      /place "ad-sam\.scenes\.2epochs": found two runs that claim it, .*seed0.*seed1.*: optim\.lr 0\.001 and 0\.5, expected one recipe a place/,
    );
    const far = "  far: { asks: transfer, train: [scenes], test: [streets], budgets: [short], labelMap: ./one.yaml }\n";
    const again = far.replace("far:", "again:").replace("one", "two");
    assert.throws(() => planned(far + again), /scored on streets: found the label maps .*one\.yaml and .*two\.yaml/);
  });

  test("a budget of both, a title given twice, and a study about nothing", () => {
    const both = tinyStudy.replace("{ epochs: 6 }", "{ epochs: 6, minutes: 1 }");
    assert.throws(() => planned(accuracy, both), /key "budgets\.longer".*expected either minutes or epochs/);
    assert.throws(
      () => planned(accuracy, tinyStudy.replace("title: Streets", "title: Scenes")),
      /key "data\.streets\.title": found "Scenes", as of scenes/,
    );
    assert.throws(
      () => planned(accuracy, tinyStudy.replace("kind: subject", "kind: baseline")),
      /found no system of kind subject/,
    );
  });

  test("a file that is none, and a name that no study has", () => {
    assert.throws(() => readStudy(put("title: [")), /study .*:1 is not valid YAML/);
    assert.throws(() => readStudy(path.join(root, "none.yaml")), /none\.yaml cannot be read: found no such file/);
    assert.throws(() => readStudy("large"), /study: found "large", expected one of authors, paper, small, two-cores/);
  });
});
