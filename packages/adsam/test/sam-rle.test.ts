import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { scope, Tensor } from "@adsam/torch";
import type { LabelMap } from "../src/data/picture.js";
import { encodeMasks, maskBoxes, maskRuns, maskRunsOnDevice } from "../src/models/sam/automatic/mask-tensors.js";
import {
  decodeRle,
  drawRuns,
  encodeMask,
  type Rle,
  rleArea,
  rleBox,
  rleEdges,
  rleOfRuns,
  runsOf,
} from "../src/models/sam/automatic/rle.js";
import { compressRle, expandRle } from "../src/models/sam/automatic/rle-string.js";
import { edgesOf, placeRuns } from "../src/models/sam/automatic/runs.js";
import { removeSmallRegions } from "../src/models/sam/automatic/small-regions.js";
import { loadGolden, u } from "./golden.js";

interface MaskSpec {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly block: number;
  readonly share: number;
}

interface GoldenMask extends MaskSpec {
  readonly counts: string;
  readonly area: number;
  readonly box: readonly number[];
  readonly regions: readonly {
    readonly mode: "holes" | "islands";
    readonly minArea: number;
    readonly changed: boolean;
    readonly counts?: string;
  }[];
}

/** Made by golden/sam_automatic.py with pycocotools and OpenCV. */
const golden = loadGolden<{ readonly masks: readonly GoldenMask[] }>("sam-automatic.json").masks;

function maskOf({ name, height, width, block, share }: MaskSpec): LabelMap {
  const columns = Math.ceil(width / block);
  const data = Uint8Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return Number(u(`mask:${name}`, Math.floor(y / block) * columns + Math.floor(x / block)) < share);
  });
  return { data, size: { height, width } };
}

/** COCO's string read by its own description: bits first, then numbers, then the sums. */
function readString(text: string): number[] {
  const numbers: number[] = [];
  let bits = "";
  for (const character of text) {
    const group = (character.charCodeAt(0) - 48).toString(2).padStart(6, "0");
    bits = group.slice(1) + bits;
    if (group[0] === "1") continue;
    const value = Number.parseInt(bits, 2);
    numbers.push(bits[0] === "1" ? value - 2 ** bits.length : value);
    bits = "";
  }
  for (let i = 3; i < numbers.length; i++) numbers[i]! += numbers[i - 2]!;
  return numbers;
}

/** Pixels down the columns, one after the other. */
const columnsOf = ({ data, size: { height, width } }: LabelMap): number[] =>
  Array.from({ length: data.length }, (_, i) => data[(i % height) * width + Math.floor(i / height)]!);

const pictureOf = (rows: readonly string[]): LabelMap => ({
  data: Uint8Array.from([...rows.join("")].map((pixel) => Number(pixel === "#"))),
  size: { height: rows.length, width: rows[0]!.length },
});

describe("run lengths", () => {
  test("a mask by hand: down the columns, zeros first", () => {
    const mask = pictureOf(["..#", ".##"]);
    const rle = { size: [2, 3], counts: [3, 3] };
    assert.deepEqual(encodeMask(mask), rle);
    assert.deepEqual(encodeMask(pictureOf(["#.#", "..#"])), { size: [2, 3], counts: [0, 1, 3, 2] });
    assert.deepEqual(encodeMask(pictureOf(["..", "#."])), { size: [2, 2], counts: [1, 1, 2] });
    assert.deepEqual(decodeRle({ size: [2, 3], counts: [3, 3] }), mask);
    assert.equal(JSON.stringify(rle), '{"size":[2,3],"counts":[3,3]}');
  });

  for (const spec of golden)
    test(`${spec.name}, ${spec.width}×${spec.height}: as pycocotools has it`, () => {
      const mask = maskOf(spec);
      const rle = encodeMask(mask);
      const ones = columnsOf(mask);
      assert.equal(
        rle.counts.reduce((sum, count) => sum + count),
        ones.length,
      );
      assert.deepEqual(
        rle.counts.flatMap((count, i) => new Array<number>(count).fill(i % 2)),
        ones,
      );
      assert.deepEqual(compressRle(rle), { size: [spec.height, spec.width], counts: spec.counts });
      assert.deepEqual(expandRle({ size: rle.size, counts: spec.counts }), rle);
      assert.deepEqual(readString(spec.counts), rle.counts);
      assert.deepEqual(decodeRle(rle), mask);
      assert.equal(rleArea(rle), spec.area);
      assert.deepEqual(rleBox(rle), spec.box);
      const [x, y, width, height] = spec.box as [number, number, number, number];
      assert.deepEqual(
        edgesOf(runsOf(rle), mask.size),
        spec.area === 0 ? [0, 0, 0, 0] : [x, y, x + width - 1, y + height - 1],
      );
    });

  test("a batch of tensors is encoded as each mask alone, read from memory or by tensor operators", () => {
    for (const [height, width] of [
      [23, 37],
      [11, 24],
      [1, 9],
      [9, 1],
    ] as const) {
      const masks = [0, 0.1, 0.5, 2, 0.9].map((share) => maskOf({ name: "batch", height, width, block: 1, share }));
      const alone = masks.map((mask) => runsOf(encodeMask(mask)));
      scope(() => {
        const data = Uint8Array.from(masks.flatMap((mask) => [...mask.data]));
        const batch = Tensor.from(data, [masks.length, height, width]).to({ dtype: "bool" });
        assert.deepEqual(maskRuns(batch), alone);
        assert.deepEqual(maskRunsOnDevice(batch), alone);
        assert.deepEqual(maskRuns(batch.narrow(0, 1, 3)), alone.slice(1, 4));
        assert.deepEqual(maskRuns(batch.transpose(1, 2).contiguous().transpose(1, 2)), alone);
        assert.deepEqual(encodeMasks(batch), masks.map(encodeMask));
        const boxes = masks.map((mask) => rleEdges(encodeMask(mask)));
        assert.deepEqual(maskBoxes(batch), boxes);
      });
    }
    const none = Tensor.from(new Uint8Array(0), [0, 4, 6]).to({ dtype: "bool" });
    assert.deepEqual([maskRuns(none), maskRunsOnDevice(none), maskBoxes(none)], [[], [], []]);
  });

  test("a published annotation (SA-1B, picture 10001) has the area and the corners published with it", () => {
    const rle = expandRle({
      size: [1500, 2250],
      counts:
        "]]j[1<\\^17J5K5L3K6J6@?F:K5L3O2N1O2M2O1O100O00100O100O10O10O1000O10O1000O100000000O1000001O0O101O000O2O001O1N101O1O0O2O1O1O1O1N2O1O1O2M2O2N1O2N2N2M4M2N3L5K6I8D^Ufg1",
    });
    assert.equal(rleArea(rle), 5437);
    const [left, top, right, bottom] = edgesOf(runsOf(rle), { height: 1500, width: 2250 });
    assert.deepEqual([left, top, right - left, bottom - top], [957, 514, 75, 91]);
    assert.equal(
      decodeRle(rle).data.reduce((sum, pixel) => sum + pixel),
      5437,
    );
  });

  test("counts of 0 in the middle belong to no run", () => {
    const rle: Rle = { size: [3, 3], counts: [0, 0, 2, 1, 0, 2, 4, 0] };
    assert.deepEqual([...runsOf(rle)], [2, 5]);
    assert.deepEqual(rleBox(rle), [0, 0, 2, 3]);
    assert.deepEqual(encodeMask(decodeRle(rle)).counts, [2, 3, 4]);
  });

  test("the mask of a window, placed in the picture", () => {
    const picture = { height: 31, width: 44 };
    for (const [left, top, width, height] of [
      [5, 3, 20, 11],
      [0, 0, 44, 31],
      [7, 0, 9, 31],
      [43, 30, 1, 1],
    ] as const) {
      const window = maskOf({ name: "window", height, width, block: 1, share: 0.6 });
      const whole = new Uint8Array(picture.height * picture.width);
      for (let y = 0; y < height; y++)
        whole.set(window.data.subarray(y * width, (y + 1) * width), (top + y) * picture.width + left);
      assert.deepEqual(
        placeRuns(runsOf(encodeMask(window)), { left, top, height }, picture),
        runsOf(encodeMask({ data: whole, size: picture })),
      );
    }
  });

  const refused: readonly (readonly [string, () => unknown, RegExp])[] = [
    ["too few pixels", () => decodeRle({ size: [2, 3], counts: [3, 2] }), /add up to 5, expected 2 · 3 = 6 pixels/],
    ["a negative count", () => compressRle({ size: [2, 3], counts: [7, -1] }), /count -1 at place 1/],
    ["half a pixel", () => compressRle({ size: [1, 2], counts: [1.5, 0.5] }), /count 1.5 at place 0/],
    ["no height", () => decodeRle({ size: [0, 3], counts: [] }), /size \[0, 3\]/],
    ["a foreign character", () => expandRle({ size: [2, 3], counts: "3~" }), /"~" at character 1 of 2/],
    ["a character below", () => expandRle({ size: [2, 3], counts: "/3" }), /"\/3" at character 0/],
    ["a number without an end", () => expandRle({ size: [2, 3], counts: "3oo" }), /midst of a number, after 3/],
    ["an endless number", () => expandRle({ size: [2, 3], counts: "oooooooooooo0" }), /at most 7 a number/],
    ["another size's string", () => expandRle({ size: [4, 3], counts: "33" }), /add up to 6, expected 4 · 3 = 12/],
  ];
  for (const [what, act, message] of refused)
    test(`refused: ${what}`, () => assert.throws(act, { name: "Problem", message }));
});

describe("small regions", () => {
  const clean = (rows: readonly string[], minArea: number, mode: "holes" | "islands"): string[] => {
    const mask = pictureOf(rows);
    const { data, size } = drawRuns(removeSmallRegions(runsOf(encodeMask(mask)), mask.size, minArea, mode), mask.size);
    return rows.map((_, y) =>
      [...data.subarray(y * size.width, (y + 1) * size.width)].map((pixel) => (pixel ? "#" : ".")).join(""),
    );
  };

  test("by hand: corners connect, borders do not protect", () => {
    const rows = [
      "#....##", //
      ".#...##",
      "......#",
      "###....",
      "#.#...#",
    ];
    assert.deepEqual(clean(rows, 3, "islands"), [".....##", ".....##", "......#", "###....", "#.#...."]);
    assert.deepEqual(clean(rows, 2, "islands").at(-1), "#.#....");
    assert.deepEqual(clean(rows, 2, "holes").at(-1), "###...#");
    assert.deepEqual(clean(["#.#", "###"], 2, "holes"), ["###", "###"]);
    assert.deepEqual(clean(["#..", "..#"], 2, "islands"), ["#..", "..."]);
    // Of equals the first by rows of 2 × 2 pixels, OpenCV's order, and not by rows of pixels.
    assert.deepEqual(clean(["....#", "#...."], 2, "islands"), [".....", "#...."]);
    assert.deepEqual(clean([".....", "....#", "#...."], 2, "islands"), [".....", "....#", "....."]);
  });

  test("the mask itself where nothing is small", () => {
    const mask = pictureOf(["##..", "##.."]);
    const runs = runsOf(encodeMask(mask));
    for (const mode of ["holes", "islands"] as const) assert.equal(removeSmallRegions(runs, mask.size, 4, mode), runs);
  });

  for (const spec of golden)
    test(`${spec.name}: as OpenCV's components give it`, () => {
      const mask = maskOf(spec);
      const runs = runsOf(encodeMask(mask));
      for (const { mode, minArea, changed, counts } of spec.regions) {
        const found = removeSmallRegions(runs, mask.size, minArea, mode);
        assert.equal(found !== runs, changed, `${mode} below ${minArea}`);
        assert.equal(
          compressRle(rleOfRuns(found, mask.size)).counts,
          counts ?? spec.counts,
          `${mode} below ${minArea}`,
        );
      }
    });
});
