import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import type { Picture, Size } from "../src/data/picture.js";
import { encodeMask, rleArea } from "../src/models/sam/automatic/rle.js";
import { maskColours, palette } from "../src/sam/colours.js";
import { jsonMistake } from "../src/sam/json-place.js";
import { maskMap } from "../src/sam/mask-map.js";
import { forEachOutlinePixel } from "../src/sam/outline.js";
import { outlineWidth, paintOverlay } from "../src/sam/overlay.js";
import { markRadius } from "../src/sam/prompt-marks.js";
import { promptsByPicture, promptsOfFlags } from "../src/sam/prompts.js";
import { promptsOfJson } from "../src/sam/prompts-file.js";
import { noiseBytes } from "./data-fixtures.js";

const size: Size = { height: 47, width: 90 };
const picture: Picture = { data: noiseBytes("overlay", 3 * size.height * size.width), size };

/** A filled rectangle, right and bottom exclusive. */
function rectangle(x0: number, y0: number, x1: number, y1: number) {
  const data = Uint8Array.from({ length: size.height * size.width }, (_, i) => {
    const [x, y] = [i % size.width, Math.floor(i / size.width)];
    return Number(x >= x0 && x < x1 && y >= y0 && y < y1);
  });
  const rle = encodeMask({ data, size });
  return { rle, area: rleArea(rle) };
}

const refusal = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
  return assert.fail("not refused");
};

describe("all masks in one picture", () => {
  test("the smaller mask shows, in whatever order they come", () => {
    const [large, small] = [rectangle(10, 5, 60, 40), rectangle(20, 10, 30, 20)];
    for (const masks of [
      [large, small],
      [small, large],
    ]) {
      const { data } = maskMap(masks, size);
      assert.equal(data[15 * size.width + 25], masks.indexOf(small) + 1);
      assert.equal(data[30 * size.width + 50], masks.indexOf(large) + 1);
      assert.equal(data[2 * size.width + 50], 0);
    }
    assert.ok(maskMap(Array(255).fill(large), size).data instanceof Uint8Array);
    assert.ok(maskMap(Array(256).fill(large), size).data instanceof Uint16Array);
  });

  test("neighbours get different colours, each about as often as the others", () => {
    const masks = Array.from({ length: 9 * 4 }, (_, i) => {
      const [x, y] = [10 * (i % 9), 11 * Math.floor(i / 9)];
      return rectangle(x, y, x + 9, y + 9); // gaps of a pixel and of two
    });
    const colours = maskColours(maskMap(masks, size), masks.length);
    for (const [i, colour] of colours.entries()) {
      if (i % 9 > 0) assert.notEqual(colour, colours[i - 1]);
      if (i >= 9) assert.notEqual(colour, colours[i - 9]);
    }
    for (const colour of palette) {
      const uses = colours.filter((one) => one === colour).length;
      assert.ok(uses >= 3 && uses <= 8, `${uses} times ${colour}`);
    }
  });
});

describe("the overlay", () => {
  test("a veil in the mask, its colour at the edge, the picture elsewhere", async () => {
    const { data } = await paintOverlay(picture, [rectangle(10, 5, 60, 40)], { alpha: 0.25 });
    assert.equal(outlineWidth(size), 1);
    const at = (x: number, y: number) => [...data.subarray(3 * (y * 90 + x), 3 * (y * 90 + x) + 3)];
    const before = (x: number, y: number) => [...picture.data.subarray(3 * (y * 90 + x), 3 * (y * 90 + x) + 3)];
    const colour = palette[0]!;
    for (let y = 0; y < size.height; y++)
      for (let x = 0; x < size.width; x++) {
        const inside = x >= 10 && x < 60 && y >= 5 && y < 40;
        const edge = inside && (x === 10 || x === 59 || y === 5 || y === 39);
        const veil = before(x, y).map((value, c) => Math.round(0.75 * value + 0.25 * colour[c]!));
        assert.deepEqual(at(x, y), edge ? [...colour] : inside ? veil : before(x, y), `(${x}, ${y})`);
      }
  });

  test("the outline is what its definition says, for masks of any shape", () => {
    for (const [width, height, density] of [
      [31, 17, 128],
      [17, 31, 30],
      [40, 9, 240],
      [1, 12, 100],
      [12, 1, 100],
      [5, 5, 255],
    ] as const) {
      // biome-ignore format: six masks
      const own = { height, width };
      const data = noiseBytes(`outline ${width} ${height}`, width * height).map((value) => Number(value < density));
      const rle = encodeMask({ data, size: own });
      for (const reach of [1, 2, 5]) {
        const outside = (x: number, y: number) =>
          x >= 0 && x < width && y >= 0 && y < height && data[y * width + x] === 0;
        const slow = new Uint8Array(data.length);
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++)
            for (let step = 1; step <= reach; step++)
              if (data[y * width + x] && (outside(x - step, y) || outside(x + step, y) || outside(x, y - step) || outside(x, y + step))) slow[y * width + x] = 1; // biome-ignore format: one condition
        const fast = new Uint8Array(data.length);
        forEachOutlinePixel(rle, own, reach, (x, y) => {
          fast[y * width + x] = 1;
        });
        assert.deepEqual(fast, slow, `${width}×${height}, reach ${reach}`);
      }
    }
  });

  test("the picture's own edge is no edge of a mask", async () => {
    const whole = rectangle(0, 0, 90, 47);
    assert.deepEqual((await paintOverlay(picture, [whole], { alpha: 0 })).data, picture.data);
  });

  test("prompts are drawn at their place and nowhere else", async () => {
    const prompts = [
      { pointCoords: [[70, 20], [15, 30]] as const, pointLabels: [1, 0] as const },
      { box: [30, 10, 55, 40] as const },
    ]; // biome-ignore format: two points
    const { data } = await paintOverlay(picture, [], { alpha: 0.5, prompts });
    const radius = markRadius(size);
    const changed = (x: number, y: number) =>
      [0, 1, 2].some((c) => data[3 * (y * 90 + x) + c] !== picture.data[3 * (y * 90 + x) + c]);
    const near = (x: number, y: number, [px, py]: readonly [number, number]) =>
      Math.hypot(x - px, y - py) <= radius + 1;
    for (let y = 0; y < size.height; y++)
      for (let x = 0; x < size.width; x++) {
        const isPoint = near(x, y, [70, 20]) || near(x, y, [15, 30]);
        const within = x >= 30 && x < 55 && y >= 10 && y < 40;
        const deep = x >= 33 && x < 52 && y >= 13 && y < 37;
        if (!isPoint && (!within || deep)) assert.ok(!changed(x, y), `(${x}, ${y})`);
      }
    assert.ok(changed(70, 20) && changed(15, 30) && changed(31, 25) && changed(45, 11));
    const pixel = (x: number, y: number) => [...data.subarray(3 * (y * 90 + x), 3 * (y * 90 + x) + 3)];
    assert.notDeepEqual(pixel(70, 22), pixel(15, 32)); // the upright of the plus, which the minus has not
  });
});

describe("prompts of a command line", () => {
  test("points are one prompt with the box, boxes are one each", () => {
    const [on, off] = [{ at: [3, 4], label: 1 } as const, { at: [5, 6], label: 0 } as const];
    const [a, b] = [[1, 2, 3, 4] as const, [5, 6, 7, 8] as const];
    const points = { pointCoords: [[3, 4], [5, 6]], pointLabels: [1, 0] }; // biome-ignore format: two points
    assert.deepEqual(promptsOfFlags([on, off], []), [points]);
    assert.deepEqual(promptsOfFlags([on, off], [a]), [{ ...points, box: a }]);
    assert.deepEqual(promptsOfFlags([], [a, b]), [{ box: a }, { box: b }]);
    assert.match(
      refusal(() => promptsOfFlags([on], [a, b])),
      /--point beside 2 times --box.*--prompts/s,
    );
  });

  test("pictures find their prompts by name, the longest end of the path first", () => {
    const [one, two, three] = [1, 2, 3].map((x) => [{ pointCoords: [[x, x]] as const, pointLabels: [1] as const }]);
    const list = new Map([["a.png", one!], ["b/a.png", two!], ["c.png", three!]]); // biome-ignore format: three pictures
    assert.deepEqual(promptsByPicture(list, ["/x/a.png", "/x/b/a.png", "/x/c.png"]), [one, two, three]);
    assert.match(
      refusal(() => promptsByPicture(list, ["/x/xa.png"])),
      /no prompts for "\/x\/xa\.png"/,
    );
    assert.match(
      refusal(() => promptsByPicture(list, ["/x/a.png", "/b/a.png"])),
      /prompts for "c\.png"/,
    );
    assert.deepEqual(promptsByPicture(one!, ["/1", "/2"]), [one, one]);
  });
});

describe("prompts in a file", () => {
  test("lists and objects", () => {
    const given = [{ points: [[1, 2.5]] }, { box: [1, 2, 3, 4] }, { points: [[1, 2]], labels: [0], box: [1, 2, 3, 4] }];
    const meant = [
      { pointCoords: [[1, 2.5]], pointLabels: [1] },
      { box: [1, 2, 3, 4] },
      { pointCoords: [[1, 2]], pointLabels: [0], box: [1, 2, 3, 4] },
    ];
    assert.deepEqual(promptsOfJson(given, "f"), meant);
    assert.deepEqual(promptsOfJson({ "a.png": given }, "f"), new Map([["a.png", meant]]));
  });

  test("every mistake by its place", () => {
    const said = (json: unknown) => refusal(() => promptsOfJson(json, "f"));
    assert.match(said(7), /^f: found 7, expected a list of prompts such as/);
    assert.match(said([]), /^f: found an empty list/);
    assert.match(said({ "a.png": {} }), /^f, "a\.png": found \{\}, expected a list of prompts/);
    assert.match(said([{ points: [[1, 2]] }, {}]), /^f, prompt 2: found no point and no box/);
    assert.match(said([{ points: [] }]), /^f, prompt 1: found no point and no box/);
    assert.match(said([{ point: [1, 2] }]), /^f, prompt 1: found key "point", expected "points", "labels" and "box"/);
    assert.match(said([[1, 2]]), /^f, prompt 1: found \[1,2\]/);
    assert.match(said([{ box: [1, 2, 3] }]), /^f, prompt 1, box: found \[1,2,3\], expected four numbers/);
    assert.match(said([{ points: [[1, 2], [1, "2"]] }]), /^f, prompt 1, point 2: found \[1,"2"\], expected two numbers/); // biome-ignore format: one line
    assert.match(said([{ points: [[1, 2]], labels: [2] }]), /^f, prompt 1, label 1: found 2, expected 1/);
    assert.match(said([{ points: [[1, 2]], labels: [1, 0] }]), /^f, prompt 1, labels: found 2 for 1 points/);
    assert.match(said([{ points: [[1, 2]], box: null }]), /^f, prompt 1, box: found null/);
  });

  test("the place where a text ceases to be JSON", () => {
    const place = (text: string) => Object.values(jsonMistake(text) ?? {}).join(":");
    assert.equal(place('[{"points": [[1, 2]]}]'), "");
    assert.equal(place('[\n  {"points": [[1, 2]],}\n]'), "2:23");
    assert.equal(place('[\n  {"box": [1, 2, 3 4]}\n]'), "2:20");
    assert.equal(place("[1, 2"), "1:6");
    assert.equal(place("[1, 2]]"), "1:7");
    assert.equal(place("{points: 1}"), "1:2");
    assert.equal(place("[01]"), "1:2");
    assert.equal(place(""), "1:1");
  });

  test("says a place for exactly those texts that JSON.parse refuses", () => {
    const text = '{"a": [1, -2.5e3, 0.1], "b\\u00e9\\n": {"c": null, "d": [true, false, ""]}, "": []}';
    const parses = (mutant: string): boolean => {
      try {
        JSON.parse(mutant);
        return true;
      } catch {
        return false;
      }
    };
    const noise = noiseBytes("json", 60000);
    const alphabet = '{}[]",:0123456789.eE+-\\ntrufals \n\u0001x';
    let broken = 0;
    for (let i = 0; i < 20000; i++) {
      const at = (noise[3 * i]! * text.length) >> 8;
      const letter = alphabet[(noise[3 * i + 1]! * alphabet.length) >> 8]!;
      const kind = noise[3 * i + 2]! % 3;
      const mutant = text.slice(0, at) + (kind === 0 ? "" : letter) + text.slice(kind === 1 ? at : at + 1);
      assert.equal(jsonMistake(mutant) === undefined, parses(mutant), mutant);
      if (!parses(mutant)) broken++;
    }
    assert.ok(broken > 5000 && broken < 20000);
  });
});
