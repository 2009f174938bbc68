import assert from "node:assert/strict";
import path from "node:path";
import { describe, test } from "node:test";
import { classIds, parseClassMap, readClassMap } from "../src/data/class-maps/class-map.js";
import { shippedClassMaps } from "../src/data/class-maps/shipped.js";
import { distinctColour } from "../src/data/folder.js";
import { type ClassTable, camvidClasses, cityscapesClasses, IGNORE } from "../src/data/labels.js";
import { atHome, classMapping, leftOut, scoredClasses } from "../src/evaluate/class-mapping.js";
import { put, temporaryFolder } from "./data-fixtures.js";

const table = (names: readonly string[]): ClassTable => ({
  names,
  colours: names.map((_, k) => distinctColour(k)),
  ignoreIndex: IGNORE,
});
const iddLite = table([
  "drivable",
  "non-drivable",
  "living things",
  "vehicles",
  "roadside objects",
  "far objects",
  "sky",
]);
const sets: Record<string, ClassTable> = { cityscapes: cityscapesClasses, camvid: camvidClasses, "idd-lite": iddLite };

const pets = (lines: string) => `from: pets\nto: kinds\nclasses:\n${lines}`;

describe("label maps that come with the project", () => {
  test("there is one for each pair of sets, in either direction, and each is total", async () => {
    const shipped = await shippedClassMaps();
    const pairs = Object.keys(sets).flatMap((from) => Object.keys(sets).map((to) => [from, to] as const));
    const names = pairs.filter(([from, to]) => from !== to).map(([from, to]) => `${from}-to-${to}`);
    assert.deepEqual([...shipped.keys()], names.toSorted());
    for (const [from, to] of pairs) {
      if (from === to) continue;
      const map = shipped.get(`${from}-to-${to}`)!;
      const ids = classIds(map, sets[from]!.names, sets[to]!.names);
      assert.equal(ids.length, sets[from]!.names.length);
      // A map to the smaller set reaches all of it.
      if (sets[from]!.names.length > sets[to]!.names.length)
        for (const id of sets[to]!.names.keys()) assert.ok(ids.includes(id), `${map.title}: ${sets[to]!.names[id]}`);
    }
  });

  test("say what one expects of them", async () => {
    const shipped = await shippedClassMaps();
    const said = (map: string, name: string) => shipped.get(map)!.targets.get(name);
    assert.equal(said("cityscapes-to-camvid", "motorcycle"), "bicyclist");
    assert.equal(said("camvid-to-idd-lite", "bicyclist"), "ignored");
    for (const far of ["building", "tree"]) assert.equal(said("camvid-to-idd-lite", far), "far objects");
    for (const near of ["pole", "sign", "fence"]) assert.equal(said("camvid-to-idd-lite", near), "roadside objects");
    assert.match(shipped.get("camvid-to-idd-lite")!.because.get("bicyclist")!, /half a vehicle/);
  });
});

describe("a label map of one's own", () => {
  const names = ["cat", "Great_Dane", "goldfish"];
  const kinds = ["mammal", "fish"];

  test("names are the same in any case, with blanks or underscores; ids follow the sets' order", async (t) => {
    const file = await put(
      path.join(await temporaryFolder(t), "pets.yaml"),
      pets('  goldfish: Fish\n  great dane: { to: mammal, because: "a dog, not a cat" }\n  cat: ignored\n'),
    );
    const map = await readClassMap(file);
    assert.deepEqual([...classIds(map, names, kinds)], [IGNORE, 0, 1]);
    assert.deepEqual([...map.because], [["great dane", "a dog, not a cat"]]);
  });

  test("is refused where it leaves a class out, names an unknown one, or maps one to two, by name", () => {
    const ids = (lines: string) => classIds(parseClassMap(pets(lines), "pets.yaml"), names, kinds);
    const whole = "  cat: mammal\n  great dane: mammal\n";
    assert.throws(() => ids(whole), {
      message:
        'label map "pets.yaml", pets → kinds: found nothing about "goldfish", expected every class named. ' +
        'Add each with a class of kinds, or with "ignored".',
    });
    assert.throws(() => ids(`${whole}  goldfish: fish\n  parrot: bird\n`), {
      message:
        'label map "pets.yaml", pets → kinds: found "parrot", no class to map, expected each of cat, Great_Dane, goldfish',
    });
    assert.throws(() => ids(`${whole}  goldfish: bird\n`), {
      message:
        'label map "pets.yaml", pets → kinds: found "goldfish" to "bird", expected one of mammal, fish, or ignored',
    });
    assert.throws(() => ids(`${whole}  goldfish: fish\n  Cat: fish\n`), {
      message:
        'label map "pets.yaml", line 7: found "Cat" to "fish", and before that to "mammal", expected one class each',
    });
    assert.deepEqual([...ids(`${whole}  goldfish: fish\n  Cat: mammal\n`)], [0, 0, 1]); // twice the same is no conflict
    assert.throws(
      () => ids(`${whole}  goldfish: [fish]\n`),
      /"goldfish" to no class, expected goldfish: a class of kinds/,
    );
    assert.throws(() => parseClassMap("classes: { a: b }", "x"), /expected the keys from and to/);
    assert.throws(() => parseClassMap(`${pets(whole)}extra: 1\n`, "x"), /found the key "extra"/);
    assert.throws(() => parseClassMap("from: [", "x"), /label map "x": found .*expected YAML/);
  });

  test("a file that is not there is a problem", async () => {
    await assert.rejects(readClassMap("/nowhere/map.yaml"), /label map "\/nowhere\/map.yaml"/);
  });
});

describe("scoring in common classes", () => {
  test("auto scores in the smaller set, whichever side has it", async () => {
    for (const [network, data, expected] of [
      ["cityscapes", "camvid", ["cityscapes-to-camvid", "predictions"]],
      ["camvid", "cityscapes", ["cityscapes-to-camvid", "labels"]],
      ["camvid", "idd-lite", ["camvid-to-idd-lite", "predictions"]],
      ["idd-lite", "camvid", ["camvid-to-idd-lite", "labels"]],
      ["idd-lite", "cityscapes", ["cityscapes-to-idd-lite", "labels"]],
    ] as const) {
      const mapping = await classMapping({ network: sets[network]!, data: sets[data]!, map: "auto" });
      assert.deepEqual([mapping.title, mapping.appliedTo], expected);
      assert.deepEqual(leftOut(mapping), []);
      assert.equal(scoredClasses(mapping).length, mapping.classes.names.length);
    }
  });

  test("a class that cannot be predicted is left out of the mean, and named", async () => {
    const request = { network: camvidClasses, data: cityscapesClasses, map: "camvid-to-cityscapes" };
    const mapping = await classMapping(request);
    assert.equal(mapping.appliedTo, "predictions");
    assert.deepEqual(
      leftOut(mapping).map(({ name, because }) => `${name} ${because}`),
      ["wall", "traffic light", "terrain", "truck", "bus", "train", "motorcycle", "bicycle"].map(
        (name) => `${name} never predicted`,
      ),
    );
    assert.equal(scoredClasses(mapping).length, 11);
    const labels = await classMapping({ ...request, network: cityscapesClasses, data: camvidClasses });
    assert.equal(labels.appliedTo, "labels");
    assert.ok(leftOut(labels).every(({ because }) => because === "never labelled"));
    assert.equal(leftOut(labels).length, 8);
  });

  test("at home labels go where the predictions go", async () => {
    const mapping = await classMapping({ network: camvidClasses, data: iddLite, map: "auto" });
    const home = atHome(mapping);
    assert.deepEqual(home.labels, home.predictions);
    assert.equal(home.labels[camvidClasses.names.indexOf("bicyclist")], IGNORE);
    assert.deepEqual(scoredClasses(home), scoredClasses(mapping));
  });

  test("the same names need no map, in any order", async () => {
    const mapping = await classMapping({ network: table(["sky", "Road"]), data: table(["road", "sky"]), map: "auto" });
    assert.deepEqual([mapping.title, [...mapping.predictions], [...mapping.labels]], [null, [1, 0], [0, 1]]);
  });

  test("auto without a map, an unknown name, and a map that lets nothing be predicted are refused", async (t) => {
    const cats = table(["cat", "dog"]);
    await assert.rejects(
      classMapping({ network: cats, data: iddLite, map: "auto" }),
      /no map between the network's 2 classes \(cat, dog\) and the data's 7 \(drivable, non-drivable, living things, …\)/,
    );
    await assert.rejects(
      classMapping({ network: cats, data: iddLite, map: "cats" }),
      /found "cats", expected auto, one of camvid-to-cityscapes/,
    );
    const file = await put(
      path.join(await temporaryFolder(t), "none.yaml"),
      "from: a\nto: b\nclasses: { cat: ignored, dog: ignored }",
    );
    await assert.rejects(
      classMapping({ network: cats, data: iddLite, map: file }),
      /every class of the network ignored/,
    );
  });
});
