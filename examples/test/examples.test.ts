/** Each example, run as its head says, on a few generated streets. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Generator, saveCheckpoint } from "@adsam/torch";
import { buildSam, generateScene, readPicture, writeGrey, writePicture } from "adsam";

/** Runs `examples/dist/<name>.js` in a folder of its own. @returns the lines it printed */
async function example(name: string, args: readonly string[], cwd: string): Promise<string[]> {
  const script = fileURLToPath(new URL(`../${name}.js`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], { cwd });
  return stdout.trimEnd().split("\n");
}

let folder = "";
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "adsam-examples-"));
});
after(() => rm(folder, { recursive: true, force: true }));

test("the engine alone tells the spirals apart, with weights read back from safetensors", async () => {
  const lines = await example("engine", ["weights.safetensors"], folder);
  assert.equal(lines[0], "slope of Σ x² at 1, 2, 3: 2, 4, 6");
  const alive = lines.slice(1, 6).map((line) => /loss \d\.\d{4}, (\d+) tensors alive$/.exec(line)?.[1]);
  assert.equal(new Set(alive).size, 1, `as many tensors after each hundred steps: ${lines.join("; ")}`);
  const right = Number(/^(\d+) of 400 points/.exec(lines[6]!)?.[1]);
  assert.ok(right >= 396, lines[6]);
});

test("one thing is cut out of a picture, by a point and by the answer to it", async () => {
  const size = { height: 60, width: 90 };
  const data = Uint8Array.from({ length: 60 * 90 * 3 }, (_, i) => (i * 7) % 256);
  await writePicture(path.join(folder, "picture.png"), { data, size });
  Generator.default().seed(2);
  using sam = buildSam("nano");
  saveCheckpoint(path.join(folder, "sam.pth"), sam.stateDict());
  const [line] = await example("segment-anything", ["picture.png", "40", "20", "sam.pth"], folder);
  assert.match(line!, /^\d+\.\d % of the picture, predicted IoU -?\d+\.\d\d: mask\.png$/);
  const mask = await readPicture(path.join(folder, "mask.png"));
  assert.deepEqual(mask.size, size);
  const share = mask.data.filter((value) => value === 255).length / mask.data.length;
  assert.ok(mask.data.every((value) => value === 0 || value === 255));
  assert.equal(`${(100 * share).toFixed(1)} %`, /^\d+\.\d %/.exec(line!)![0]);
});

describe("a folder of one's own", () => {
  const size = { height: 96, width: 160 };

  test("is trained on, and a picture is then segmented by the best weights", async () => {
    const streets = path.join(folder, "my-streets");
    for (const [split, count] of [
      ["train", 8],
      ["val", 2],
    ] as const)
      for (let i = 0; i < count; i++) await writeStreet(streets, split, i);
    // Ids as generated: Cityscapes' train ids, of which a class list of five keeps the large ones.
    const description = {
      names: ["road", "sidewalk", "building", "plants", "sky"],
      ids: [0, 1, 2, [8, 9], 10],
      ignore: [3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 18, 255],
    };
    await writeFile(path.join(streets, "dataset.yaml"), JSON.stringify(description)); // JSON is YAML
    const trained = await example("train-your-own-folder", ["my-streets", "run", "2"], folder);
    assert.match(trained[0]!, /^epoch 1: loss \d\.\d{3}, mIoU \d+\.\d %/);
    assert.match(trained[1]!, /^epoch 2: /);
    assert.match(trained[2]!, /^best weights: .*best\.pth$/);

    const picture = path.join("my-streets", "images", "val", "street-0.png");
    const seen = await example("predict", ["run/best.pth", picture, "seen.png"], folder);
    const shares = seen.slice(0, -1).map((line) => /^ *(\d+\.\d) % {2}(\w+)$/.exec(line)!);
    const sum = shares.reduce((total, [, share]) => total + Number(share), 0);
    assert.ok(Math.abs(sum - 100) < 0.5, seen.join("; "));
    for (const [, , name] of shares) assert.ok(description.names.includes(name!), name);
    const overlay = await readPicture(path.join(folder, "seen.png"));
    assert.deepEqual(overlay.size, size);
    assert.notDeepEqual(overlay.data, (await readPicture(path.join(folder, picture))).data);
  });

  async function writeStreet(root: string, split: "train" | "val", i: number): Promise<void> {
    const { image, label } = generateScene({ domain: "structured", seed: split === "val" ? 100 + i : i, size });
    const file = (kind: string) => path.join(root, kind, split, `street-${i}.png`);
    for (const kind of ["images", "labels"]) await mkdir(path.dirname(file(kind)), { recursive: true });
    await writePicture(file("images"), { data: image, size });
    await writeGrey(file("labels"), { data: label, size });
  }
});
