import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  bdd100kLabels,
  camvidClasses,
  camvidLabels,
  cityscapesClasses,
  cityscapesLabels,
  cityscapesTrainIdLabels,
  classTable,
  describeIds,
  IGNORE,
  idToTrainId,
  UNKNOWN,
} from "../src/data/labels.js";

describe("label tables", () => {
  test("Cityscapes: the 19 train ids stand in the benchmark's order, all other ids are ignored, 34 and above unknown", () => {
    const lookup = idToTrainId(cityscapesLabels);
    const train = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33];
    for (let id = 0; id < 34; id++)
      assert.equal(lookup[id], train.includes(id) ? train.indexOf(id) : IGNORE, `id ${id}`);
    for (const id of [34, 254, 255, 256, 65535]) assert.equal(lookup[id], UNKNOWN, `id ${id}`);
    assert.equal(
      cityscapesClasses.names.join(", "),
      "road, sidewalk, building, wall, fence, pole, traffic light, traffic sign, vegetation, terrain, sky, person, rider, car, truck, bus, train, motorcycle, bicycle",
    );
    assert.deepEqual(cityscapesClasses.colours[0], [128, 64, 128]);
    assert.deepEqual(cityscapesClasses.colours[18], [119, 11, 32]);
    assert.equal(new Set(cityscapesClasses.colours.map(String)).size, 19, "each class has a colour of its own");
  });

  test("BDD100K and labelTrainIds hold train ids already", () => {
    assert.deepEqual(bdd100kLabels, cityscapesTrainIdLabels);
    const lookup = idToTrainId(bdd100kLabels);
    assert.deepEqual([...lookup.subarray(0, 20)], [...Array.from({ length: 19 }, (_, k) => k), UNKNOWN]);
    assert.equal(lookup[255], IGNORE);
    assert.deepEqual(classTable(bdd100kLabels), cityscapesClasses);
  });

  test("CamVid: eleven classes, 11 void", () => {
    const lookup = idToTrainId(camvidLabels);
    assert.deepEqual([...lookup.subarray(0, 13)], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, IGNORE, UNKNOWN]);
    assert.equal(camvidClasses.names.length, 11);
  });

  test("ids are described as runs", () => {
    assert.equal(describeIds(idToTrainId(bdd100kLabels)), "0…18, 255");
    assert.equal(describeIds(idToTrainId(cityscapesLabels)), "0…33");
  });

  test("a table with a gap, a doubled id or an impossible one is refused", () => {
    const row = { id: 0, trainId: 0, name: "a", colour: [0, 0, 0] as const, category: "", ignored: false };
    assert.throws(() => classTable([row, { ...row, id: 1, trainId: 2 }]), /no row with train id 1, expected 0…2/);
    assert.throws(() => idToTrainId([row, { ...row, name: "b" }]), /label "b": found id 0 used twice/);
    assert.throws(() => idToTrainId([{ ...row, id: 65536 }]), /found id 65536/);
    assert.throws(() => classTable([]), /found 0 classes/);
  });
});
