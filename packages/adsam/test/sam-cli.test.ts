import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Generator, saveCheckpoint, scope } from "@adsam/torch";
import sharp from "sharp";
import { readLabelIds } from "../src/data/label-png.js";
import { type Picture, readPicture, type Size } from "../src/data/picture.js";
import { writePicture } from "../src/data/write-png.js";
import { SamAutomaticMaskGenerator } from "../src/models/sam/automatic/generator.js";
import { automaticMaskSettings } from "../src/models/sam/automatic/options.js";
import { decodeRle } from "../src/models/sam/automatic/rle.js";
import { expandRle } from "../src/models/sam/automatic/rle-string.js";
import { SamPredictor } from "../src/models/sam/predictor.js";
import type { SamPrompt } from "../src/models/sam/prompt.js";
import { buildSam, type Sam } from "../src/models/sam/sam.js";
import type { MaskAnnotation } from "../src/sam/annotations.js";
import { markRadius } from "../src/sam/prompt-marks.js";
import type { SamSummary } from "../src/sam/summary.js";
import { putPicture, temporaryFolder } from "./data-fixtures.js";

const script = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
const samNano = (cwd: string, ...words: string[]) =>
  spawnSync(process.execPath, [script, "sam", "--encoder", "nano", "--threads", "1", ...words], {
    encoding: "utf8",
    cwd,
  });
const random =
  /^warning: nano was pretrained by no one: its weights are random \(seed \d+\), its masks mean nothing\.\n$/;

/** The network that the command makes. */
function nano(seed = 0): Sam {
  Generator.default().seed(seed);
  return buildSam("nano").eval();
}

/** Blocks of colours, not square. */
const size: Size = { height: 150, width: 240 };
const street: Picture = {
  size,
  data: Uint8Array.from({ length: 3 * size.height * size.width }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % size.width, Math.floor(i / 3 / size.width)];
    return ((Math.floor(x / 40) * 73 + Math.floor(y / 30) * 151) * ((i % 3) + 1) * 29) % 256;
  }),
};

/** The network's masks at the picture's size, and its scores. */
function answers(sam: Sam, picture: Picture, prompt: SamPrompt, multimaskOutput: boolean) {
  using predictor = new SamPredictor(sam);
  predictor.setImage(picture);
  return scope(() => {
    const { masks, iouPredictions } = predictor.predict(prompt, { multimaskOutput });
    const [count] = masks.dims3("masks");
    const pixels = Array.from({ length: count }, (_, m) =>
      Uint8Array.from(masks.select(0, m).to({ dtype: "uint8" }).toNumbers()),
    );
    return { masks: pixels, ious: [...iouPredictions.toNumbers()] };
  });
}

const json = <T>(...parts: string[]): T => JSON.parse(readFileSync(path.join(...parts), "utf8")) as T;
const maskPng = async (...parts: string[]) => (await readLabelIds(path.join(...parts))).data.map((one) => one / 255);
const decoded = ({ segmentation }: MaskAnnotation) => decodeRle(expandRle(segmentation)).data;

describe("adsam sam with prompts", () => {
  let sam: Sam;
  before(() => {
    sam = nano();
  });

  test("points and a box are one prompt: PNG, run lengths and overlay show the network's mask", async (t) => {
    const root = await temporaryFolder(t);
    await writePicture(path.join(root, "street.png"), street);
    const words = ["--point", "100.5,60", "--point", "30,120,0", "--box", "20,10,200,140", "--out", "o"];
    const { status, stdout, stderr } = samNano(root, "street.png", ...words);
    assert.equal(status, 0, stderr);
    assert.match(stderr, random);
    assert.match(stdout, /^mask +prompt +share +predicted IoU +stability +box/);
    assert.match(stdout, /\n1 mask in 1 picture by nano, \d+\.\d s: o\n$/);

    const prompt: SamPrompt = {
      pointCoords: [
        [100.5, 60],
        [30, 120],
      ],
      pointLabels: [1, 0],
      box: [20, 10, 200, 140],
    };
    const { masks, ious } = answers(sam, street, prompt, false);
    assert.ok(masks[0]!.includes(1) && masks[0]!.includes(0), "a mask that is all or nothing shows nothing");
    assert.deepEqual(readdirSync(path.join(root, "o", "street_masks")), ["0001.png"]);
    assert.deepEqual(await maskPng(root, "o", "street_masks", "0001.png"), masks[0]);
    assert.deepEqual((await readLabelIds(path.join(root, "o", "street_masks.png"))).data, masks[0]);

    const [one, ...others] = json<MaskAnnotation[]>(root, "o", "street_masks.json");
    assert.deepEqual(others, []);
    assert.deepEqual(decoded(one!), masks[0]);
    assert.deepEqual([one!.id, one!.image_id, one!.file, one!.prompt], [1, 1, "street.png", 1]);
    assert.deepEqual([one!.point_coords, one!.point_labels], [prompt.pointCoords, prompt.pointLabels]);
    assert.deepEqual(one!.box, prompt.box);
    assert.equal(
      one!.area,
      masks[0]!.reduce((sum, set) => sum + set, 0),
    );
    assert.ok(Math.abs(one!.predicted_iou - ious[0]!) < 1e-5);
    const summary = json<SamSummary>(root, "o", "sam.json");
    assert.deepEqual([summary.encoder, summary.weights, summary.seed, summary.complete], ["nano", null, 0, true]);
    const [picture] = summary.pictures;
    assert.deepEqual([picture!.rle, picture!.overlay], ["street_masks.json", "street_overlay.png"]);
    assert.equal(picture!.masks[0]!.file, "street_masks/0001.png");
    assert.equal(picture!.covered, Number((one!.area / (150 * 240)).toFixed(4)));

    const overlay = await readPicture(path.join(root, "o", "street_overlay.png"));
    let painted = 0;
    for (let i = 0; i < 150 * 240; i++) {
      const [x, y] = [i % 240, Math.floor(i / 240)];
      const inMask = masks[0]![i] === 1;
      const atPrompt = prompt.pointCoords!.some(([px, py]) => Math.hypot(x - px, y - py) <= markRadius(size) + 1.5);
      const atBox = x >= 20 && x < 200 && y >= 10 && y < 140 && (x < 24 || x >= 196 || y < 14 || y >= 136);
      const same = [0, 1, 2].every((c) => overlay.data[3 * i + c] === street.data[3 * i + c]);
      if (!inMask && !atPrompt && !atBox) assert.ok(same, `(${x}, ${y})`);
      if (inMask && !same) painted++;
    }
    assert.ok(painted > 0.9 * one!.area);
  });

  test("a lone point gets the best of three, each box its single mask; --multimask and --single-mask decide for all", async (t) => {
    const root = await temporaryFolder(t);
    await writePicture(path.join(root, "street.png"), street);
    const list = [{ points: [[100, 60]] }, { box: [20, 10, 200, 140] }, { points: [[9, 9]], labels: [0] }];
    writeFileSync(path.join(root, "prompts.json"), JSON.stringify(list));
    const prompts: SamPrompt[] = [
      { pointCoords: [[100, 60]], pointLabels: [1] },
      { box: [20, 10, 200, 140] },
      { pointCoords: [[9, 9]], pointLabels: [0] },
    ];
    const run = (out: string, ...words: string[]) => {
      const { status, stderr } = samNano(root, "street.png", "--prompts", "prompts.json", "--format", "rle", "--out", out, ...words); // biome-ignore format: one call
      assert.equal(status, 0, stderr);
      assert.deepEqual(readdirSync(path.join(root, out)).sort(), ["sam.json", "street_masks.json"]);
      return json<MaskAnnotation[]>(root, out, "street_masks.json");
    };
    const three = prompts.map((prompt) => answers(sam, street, prompt, true));
    const single = prompts.map((prompt) => answers(sam, street, prompt, false).masks[0]!);
    const best = ({ masks, ious }: (typeof three)[number]) => masks[ious.indexOf(Math.max(...ious))]!;
    assert.deepEqual(run("best").map(decoded), [best(three[0]!), single[1], best(three[2]!)]);
    const multimask = run("three", "--multimask");
    assert.deepEqual(multimask.map(({ prompt }) => prompt), [1, 1, 1, 2, 2, 2, 3, 3, 3]); // biome-ignore format: one line
    assert.deepEqual(multimask.map(decoded), three.flatMap(({ masks }) => masks)); // biome-ignore format: one line
    assert.deepEqual(run("single", "--single-mask").map(decoded), single);
  });

  test("prompts are in pixels of the upright picture, and boxes on a command line are prompts each", async (t) => {
    const root = await temporaryFolder(t);
    const lying = sharp(street.data, { raw: { ...size, channels: 3 } }).withMetadata({ orientation: 6 });
    await lying.jpeg().toFile(path.join(root, "tall.jpg")); // upright: 150 wide and 240 high
    const words = ["tall.jpg", "--box", "10,20,140,230", "--box", "1,2,30,40", "--format", "rle,png"];
    const { status, stderr } = samNano(root, ...words);
    assert.equal(status, 0, stderr);
    const picture = await readPicture(path.join(root, "tall.jpg"));
    assert.deepEqual(picture.size, { height: 240, width: 150 });
    const found = json<MaskAnnotation[]>(root, "masks", "tall_masks.json");
    const boxes = [[10, 20, 140, 230] as const, [1, 2, 30, 40] as const];
    const expected = boxes.map((box) => answers(sam, picture, { box }, false).masks[0]!);
    assert.deepEqual(found.map(decoded), expected);
    assert.deepEqual(await maskPng(root, "masks", "tall_masks", "0002.png"), expected[1]);
    const refused = samNano(root, "tall.jpg", "--box", "10,20,200,100", "--out", "o");
    assert.equal(refused.status, 1);
    assert.match(
      refused.stderr,
      /prompt for "tall\.jpg", box: found \(10, 20, 200, 100\), expected inside the picture, 150×240/,
    );
  });
});

describe("adsam sam --everything", () => {
  test("gives the generator's masks, under the settings of the command line", async (t) => {
    const root = await temporaryFolder(t);
    await writePicture(path.join(root, "street.png"), street);
    const settings = ["--points-per-side", "5", "--pred-iou-thresh", "-10", "--stability-score-thresh", "0", "--box-nms-thresh", "1", "--min-mask-region-area", "20"]; // biome-ignore format: five settings
    const { status, stdout, stderr } = samNano(root, "street.png", "--everything", ...settings, "--out", "o", "--seed", "3", "--json"); // biome-ignore format: one call
    assert.equal(status, 0, stderr);
    assert.equal(stdout, readFileSync(path.join(root, "o", "sam.json"), "utf8"));
    using sam = nano(3);
    const generator = new SamAutomaticMaskGenerator(sam, {
      pointsPerSide: 5,
      predIouThresh: -10,
      stabilityScoreThresh: 0,
      boxNmsThresh: 1,
      minMaskRegionArea: 20,
    });
    const expected = generator.generate(street);
    assert.ok(expected.length > 1);
    const found = json<MaskAnnotation[]>(root, "o", "street_masks.json");
    assert.deepEqual(found.map(decoded), expected.map(({ segmentation }) => segmentation.data)); // biome-ignore format: one line
    assert.deepEqual(found.map(({ bbox }) => bbox), expected.map(({ bbox }) => bbox)); // biome-ignore format: one line
    assert.deepEqual(found.map((one) => one.point_coords), expected.map((one) => one.pointCoords)); // biome-ignore format: one line
    assert.deepEqual(found[0]!.crop_box, [0, 0, 240, 150]);
    assert.equal(readdirSync(path.join(root, "o", "street_masks")).length, expected.length);
  });
});

test("the help names the defaults that the generator has, for every setting", () => {
  const { pointGrids, outputMode: _, ...defaults } = automaticMaskSettings({});
  const expected = { ...defaults, pointsPerSide: Math.sqrt(pointGrids[0]!.length) };
  const { stdout } = spawnSync(process.execPath, [script, "sam", "--help"], { encoding: "utf8" });
  const text = stdout.replaceAll(/\s+/g, " "); // its lines are broken to the terminal's width
  for (const [name, value] of Object.entries(expected)) {
    const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const said = new RegExp(`--${flag} [^(]*\\(default: ([\\d./]+)\\)`).exec(text)?.[1];
    assert.ok(said, flag);
    const [above, below = 1] = said.split("/").map(Number);
    assert.equal(above! / below, value, flag);
  }
});

describe("adsam sam on many pictures", () => {
  test("each has its prompts and its files; a broken one is told, results of before are no input", async (t) => {
    const root = await temporaryFolder(t);
    for (const name of ["a.png", "b.png", "c/a.png"]) await putPicture(path.join(root, "in", name), size);
    writeFileSync(path.join(root, "in", "d.png"), "not a picture");
    const prompts = { "a.png": [{ points: [[1, 2]] }], "b.png": [{ box: [0, 0, 9, 9] }, { points: [[3, 4]] }], "c/a.png": [{ points: [[5, 6]] }], "d.png": [{ points: [[1, 1]] }] }; // biome-ignore format: one object
    writeFileSync(path.join(root, "prompts.json"), JSON.stringify(prompts));
    const words = ["in", "--prompts", "prompts.json", "--out", "in/o", "--format", "png"];
    const first = samNano(root, ...words, "--multimask");
    assert.equal(first.status, 1);
    assert.match(first.stderr, /\nwarning: no masks: picture ".*d\.png": found 13 bytes that cannot be decoded/);
    assert.match(first.stdout, /^picture +mask +prompt/);
    assert.match(first.stdout, /12 masks in 3 pictures by nano.*\n1 picture without masks; sam\.json lists them\n$/s);
    const { pictures, failed } = json<SamSummary>(root, "in/o", "sam.json");
    assert.deepEqual(pictures.map(({ map, masks }) => [map, masks.length]), [["a_masks.png", 3], ["b_masks.png", 6], ["c/a_masks.png", 3]]); // biome-ignore format: three pictures
    assert.equal(failed.length, 1);

    const again = samNano(root, ...words);
    assert.equal(again.status, 1);
    assert.match(again.stderr, /^adsam: output ".*sam\.json" and 15 more: found a file of that name.*--overwrite\.\n$/);
    samNano(root, ...words, "--overwrite");
    assert.deepEqual(json<SamSummary>(root, "in/o", "sam.json").pictures.map(({ masks }) => masks.length), [1, 2, 1]); // biome-ignore format: one line
    assert.deepEqual(readdirSync(path.join(root, "in/o/b_masks")), ["0001.png", "0002.png"]);
  });

  test("a picture that the network cannot be asked about is told, the others go on", async (t) => {
    const root = await temporaryFolder(t);
    await putPicture(path.join(root, "in", "tiny.png"), { height: 1, width: 2 });
    await putPicture(path.join(root, "in", "other.png"), { height: 30, width: 40 });
    const words = ["in", "--everything", "--points-per-side", "2", "--crop-n-layers", "1", "--format", "rle"];
    const { status, stdout, stderr } = samNano(root, ...words);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /\nwarning: no masks: automatic masks: found a picture of 2×1/);
    assert.match(stdout, /other\.png +40×30/);
    assert.match(stdout, /none passed the thresholds/);
    assert.deepEqual(readdirSync(path.join(root, "masks")), ["other_masks.json", "sam.json"]);
  });

  test("Ctrl-C ends after the picture at hand, with code 130 and a list of what is done", async (t) => {
    const root = await temporaryFolder(t);
    const count = 60;
    for (let i = 0; i < count; i++) await putPicture(path.join(root, "in", `${i}.png`), size);
    const words = ["in", "--point", "5,5", "--out", "o", "--encoder", "nano", "--threads", "1"];
    const child = spawn(process.execPath, [script, "sam", ...words], { cwd: root });
    let said = "";
    child.stderr.on("data", (text) => {
      said += text;
    });
    const watch = setInterval(() => {
      if (!existsSync(path.join(root, "o"))) return;
      clearInterval(watch);
      child.kill("SIGINT"); // once: a second would end it at once
    }, 5);
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(code, 130, said);
    assert.match(said, /stopping: finishing the picture at hand/);
    const { complete, pictures } = json<SamSummary>(root, "o", "sam.json");
    assert.equal(complete, false);
    assert.ok(pictures.length > 0 && pictures.length < count);
    for (const { rle, overlay } of pictures)
      for (const file of [rle!, overlay!]) assert.ok(existsSync(path.join(root, "o", file)), file);
    assert.equal(readdirSync(path.join(root, "o")).filter((name) => name.endsWith(".part")).length, 0);
  });
});

describe("adsam sam's weights", () => {
  test("a checkpoint by --weights, or as the encoder itself, which it names", async (t) => {
    const root = await temporaryFolder(t);
    await writePicture(path.join(root, "street.png"), street);
    using sam = nano(11);
    scope(() => saveCheckpoint(path.join(root, "own.pth"), sam.stateDict()));
    const expected = answers(sam, street, { box: [20, 10, 200, 140] }, false).masks[0];
    for (const source of [
      ["--weights", "own.pth", "--encoder", "nano"],
      ["--weights", "own.pth"],
      ["--encoder", "own.pth"],
    ]) {
      const words = ["sam", "street.png", "--box", "20,10,200,140", "--format", "rle", "--overwrite", ...source];
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...words], {
        encoding: "utf8",
        cwd: root,
      });
      assert.deepEqual([status, stderr], [0, ""]);
      assert.match(stdout, /by nano/);
      assert.deepEqual(decoded(json<MaskAnnotation[]>(root, "masks", "street_masks.json")[0]!), expected);
      assert.equal(json<SamSummary>(root, "masks", "sam.json").weights, path.join(root, "own.pth"));
    }
    const other = samNano(root, "street.png", "--point", "1,1", "--encoder", "sam-vit-b", "--weights", "own.pth", "--out", "p"); // biome-ignore format: one call
    assert.equal(other.status, 1);
    assert.match(other.stderr, /^adsam: checkpoint "own\.pth".*nano.*sam-vit-b/s);
  });
});

describe("what is wrong with a call", () => {
  test("is told in one paragraph, and nothing is written", async (t) => {
    const root = await temporaryFolder(t);
    await putPicture(path.join(root, "a.png"), { height: 40, width: 70 });
    writeFileSync(path.join(root, "film.mp4"), "");
    writeFileSync(path.join(root, "broken.json"), '[{"points": [[1, 2]]},\n {"box": [1 2]}]');
    writeFileSync(path.join(root, "empty.json"), "[{}]");
    writeFileSync(path.join(root, "outside.json"), '[{"points": [[1, 2]]}, {"points": [[1, 2], [3, 40]]}]');
    const env = { ...process.env, ADSAM_CACHE: path.join(root, "cache") };
    const refused = (words: string[], message: RegExp, code = 1) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [script, "sam", ...words], { encoding: "utf8", cwd: root, env }); // biome-ignore format: one call
      assert.equal(status, code, stderr);
      assert.match(stderr, message);
      assert.equal(stdout, "");
      if (code === 1) assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    };
    const onA = ["a.png", "--encoder", "nano"];
    refused(onA, /^adsam: what to look for: found no prompt, expected --point, --box, --prompts or --everything/);
    refused(
      [...onA, "--everything", "--point", "1,1"],
      /found --point or --box and --everything, expected one of them/,
    );
    refused([...onA, "--point", "1,1", "--points-per-side", "4"], /--points-per-side: found no --everything/);
    refused([...onA, "--everything", "--single-mask"], /--single-mask: found --everything, expected prompts/);
    refused([...onA, "--everything", "--points-per-side", "0"], /pointsPerSide: found 0/);
    refused(
      [...onA, "--point", "70,5"],
      /prompt for "a\.png", point 1: found \(70, 5\), expected inside the picture, 70×40/,
    );
    refused([...onA, "--point", "-1,5"], /point 1: found \(-1, 5\)/);
    refused([...onA, "--box", "30,10,20,20"], /box: found \(30, 10, 20, 20\), -10 wide and 10 high/);
    refused(
      [...onA, "--prompts", "broken.json"],
      /prompts "broken\.json", line 2, column 13: found "2\]\}\]", expected JSON/,
    );
    refused([...onA, "--prompts", "empty.json"], /prompts "empty\.json", prompt 1: found no point and no box/);
    refused([...onA, "--prompts", "outside.json"], /prompt 2 for "a\.png", point 2: found \(3, 40\)/);
    refused([...onA, "--prompts", "none.json"], /prompts "none\.json": found no such file/);
    refused(["film.mp4", "--point", "1,1"], /found a video, expected pictures/);
    refused(["b.png", "--point", "1,1"], /input "b\.png": found no such file or folder/);
    refused(
      ["a.png", "--point", "1,1", "--encoder", "sam-vit-x"],
      /--encoder: found "sam-vit-x", expected one of sam-vit-h/,
    );
    refused(["a.png", "--point", "1,1", "--weights", "none.pth"], /--weights: found no file "none\.pth"/);
    refused(
      ["a.png", "--point", "1,1", "--encoder", "sam-vit-b"],
      /weights "sam-vit-b": found nothing at .*adsam weights fetch sam-vit-b/,
    );
    refused([...onA, "--point", "1,1", "--weights", "a.png"], /checkpoint "a\.png"/);
    refused([...onA, "--point", "1"], /expected x,y or x,y,label/, 2);
    refused([...onA, "--point", "1,1,2"], /expected x,y or x,y,label/, 2);
    refused([...onA, "--box", "1,1,2"], /expected x0,y0,x1,y1/, 2);
    refused([...onA, "--point", "1,1", "--format", "gif"], /expected png, rle, overlay/, 2);
    refused([...onA, "--point", "1,1", "--multimask", "--single-mask"], /cannot be used with/, 2);
    assert.ok(!existsSync(path.join(root, "masks")));
  });
});

const cities = path.resolve(import.meta.dirname, "../../../../../shared/data/cityscapes/leftImg8bit");

test("a real street", { skip: !existsSync(cities) && `no ${cities}` }, async (t) => {
  const root = await temporaryFolder(t);
  const file = readdirSync(cities, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith(".png"))!;
  const picture = path.join(cities, file);
  const { status, stderr } = samNano(root, picture, "--point", "1000,500", "--box", "400,300,1200,900", "--out", "o");
  assert.equal(status, 0, stderr);
  const name = path.basename(file, ".png");
  const [one] = json<MaskAnnotation[]>(root, "o", `${name}_masks.json`);
  using sam = nano();
  const prompt: SamPrompt = { pointCoords: [[1000, 500]], pointLabels: [1], box: [400, 300, 1200, 900] };
  assert.deepEqual(decoded(one!), answers(sam, await readPicture(picture), prompt, false).masks[0]);
});
