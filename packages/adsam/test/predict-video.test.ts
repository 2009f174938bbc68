import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, symlink, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Size } from "../src/data/picture.js";
import { probeVideo, videoFrames } from "../src/predict/ffmpeg.js";
import { predictFiles } from "../src/predict/run.js";
import { putPicture, temporaryFolder } from "./data-fixtures.js";
import { tinyCheckpoint } from "./tiny-checkpoint.js";

const script = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
const has = (program: string) => spawnSync(program, ["-version"]).status === 0;
const skip = !(has("ffmpeg") && has("ffprobe")) && "ffmpeg is not installed";

/** A moving test pattern. */
function makeVideo(file: string, { height, width }: Size, frames: number, ...options: string[]): string {
  const pattern = `testsrc=size=${width}x${height}:rate=30000/1001`;
  const args = ["-v", "error", "-f", "lavfi", "-i", pattern, "-frames:v", String(frames), ...options, file];
  const { status, stderr } = spawnSync("ffmpeg", args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return file;
}

/** Frame `n` of a video, [H, W, 3]. */
async function frameOf(file: string, n: number): Promise<Uint8Array> {
  let count = 0;
  for await (const frame of videoFrames(file, await probeVideo(file), {})) if (count++ === n) return frame.data;
  throw new Error(`${file} has ${count} frames`);
}

const difference = (a: Uint8Array, b: Uint8Array) => a.reduce((sum, v, i) => sum + Math.abs(v - b[i]!), 0) / a.length;

describe("videos", { skip }, () => {
  test("as many frames, at the same rate and size", async (t) => {
    const root = await temporaryFolder(t);
    const checkpoint = tinyCheckpoint(path.join(root, "tiny.pth"));
    const video = makeVideo(path.join(root, "drive.mp4"), { height: 66, width: 98 }, 10, "-pix_fmt", "yuv420p");
    const out = path.join(root, "out");
    const progress: unknown[] = [];
    const { videos, failed, complete } = await predictFiles({
      checkpoint,
      inputs: [video],
      out,
      every: 4,
      alpha: 0,
      onProgress: (what, done, total) => progress.push([what, done, total]),
    });
    assert.deepEqual([failed, complete, videos.length], [[], true, 1]);
    const { file, width, height, fps, frames, predicted, overlay, shares, warning } = videos[0]!;
    assert.deepEqual([file, width, height, frames, predicted], [video, 98, 66, 10, 3]);
    assert.deepEqual([overlay, warning], ["drive_overlay.mp4", undefined]);
    assert.ok(Math.abs(fps - 29.97) < 0.001);
    assert.ok(Math.abs(Object.values(shares).reduce((a, b) => a + b) - 1) < 1e-9);
    assert.deepEqual(progress.at(-1), ["drive.mp4", 10, 10]);
    const result = path.join(out, "drive_overlay.mp4");
    assert.deepEqual(await probeVideo(result), await probeVideo(video));
    assert.deepEqual((await readdir(out)).sort(), ["drive_overlay.mp4", "predictions.json"]);
    // Under an invisible veil it is the video itself, but for the codec; a shifted frame or swapped colours would be far off.
    for (const n of [0, 9]) assert.ok(difference(await frameOf(video, n), await frameOf(result, n)) < 6, `frame ${n}`);
  });

  test("a veil that covers everything; sides of odd length; frames between two answers", async (t) => {
    const root = await temporaryFolder(t);
    const checkpoint = tinyCheckpoint(path.join(root, "tiny.pth"));
    const video = makeVideo(path.join(root, "odd.mkv"), { height: 35, width: 51 }, 4, "-c:v", "ffv1");
    const out = path.join(root, "out");
    const { videos } = await predictFiles({ checkpoint, inputs: [video], out, every: 2, alpha: 1, workers: 0 });
    assert.deepEqual([videos[0]!.frames, videos[0]!.predicted], [4, 2]);
    const result = path.join(out, "odd_overlay.mp4");
    assert.deepEqual((await probeVideo(result)).size, { height: 36, width: 52 });
    const [first, second] = [await frameOf(result, 0), await frameOf(result, 1)];
    assert.ok(difference(first, second) < 3, "the second frame shows the first one's answer");
  });

  test("an upright recording of a turned camera is upright", async (t) => {
    const root = await temporaryFolder(t);
    const flat = makeVideo(path.join(root, "flat.mp4"), { height: 48, width: 80 }, 3, "-pix_fmt", "yuv420p");
    const turned = path.join(root, "turned.mp4");
    spawnSync("ffmpeg", ["-v", "error", "-i", flat, "-c", "copy", "-metadata:s:v", "rotate=90", turned]);
    const probe = spawnSync("ffprobe", ["-v", "error", "-show_streams", turned], { encoding: "utf8" });
    if (!/rotation=-?90/.test(probe.stdout)) return t.skip("this ffmpeg writes no rotation");
    const info = await probeVideo(turned);
    assert.deepEqual(info.size, { height: 80, width: 48 });
    let count = 0;
    for await (const { data } of videoFrames(turned, info, {})) {
      assert.equal(data.length, 80 * 48 * 3);
      count++;
    }
    assert.equal(count, 3);
  });

  test("a video cut short gives what there is, and a warning; one that is none is listed", async (t) => {
    const root = await temporaryFolder(t);
    const checkpoint = tinyCheckpoint(path.join(root, "tiny.pth"));
    const videos = path.join(root, "videos");
    await mkdir(videos);
    const cut = makeVideo(path.join(videos, "cut.mp4"), { height: 64, width: 96 }, 60, "-movflags", "+faststart");
    await truncate(cut, Math.floor((await readFile(cut)).length * 0.6));
    const head = makeVideo(path.join(videos, "head.mp4"), { height: 64, width: 96 }, 60, "-movflags", "+faststart");
    await truncate(head, (await readFile(head)).indexOf("mdat") + 4); // the index, and no frame
    await writeFile(path.join(videos, "none.mp4"), "no video at all");
    await putPicture(path.join(videos, "still.png"), { height: 9, width: 7 });
    const summary = await predictFiles({ checkpoint, inputs: [videos], out: path.join(root, "out"), every: 20 });
    const [video] = summary.videos;
    assert.ok(video!.frames > 0 && video!.frames < 60, `${video!.frames}`);
    assert.match(video!.warning!, new RegExp(`^${video!.frames} frames where the file says 60; it is cut short`));
    assert.equal((await probeVideo(path.join(root, "out", "cut_overlay.mp4"))).frames, video!.frames);
    assert.deepEqual([summary.pictures.length, summary.failed.length], [1, 2]);
    assert.deepEqual((await readdir(path.join(root, "out"))).sort(), [
      "cut_overlay.mp4",
      "predictions.json",
      "still_ids.png",
      "still_overlay.png",
    ]);
    assert.match(summary.failed[0]!.error, /^video ".*head\.mp4": found .+, expected frames that ffmpeg decodes/);
    assert.match(summary.failed[1]!.error, /^video ".*none\.mp4": found .+, expected a whole video/);
  });

  test("Ctrl-C in the midst leaves a video that plays, and code 130", { timeout: 60_000 }, async (t) => {
    const root = await temporaryFolder(t);
    const checkpoint = tinyCheckpoint(path.join(root, "tiny.pth"));
    const video = makeVideo(path.join(root, "long.mp4"), { height: 64, width: 96 }, 5000, "-preset", "ultrafast");
    const out = path.join(root, "out");
    const words = [script, "predict", checkpoint, video, "--out", out, "--json"];
    const child = spawn(process.execPath, words, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let json = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      json += text;
    });
    let hasBegun = false;
    while (!hasBegun && child.exitCode === null) {
      await pause(20);
      hasBegun = (await readdir(out).catch(() => [])).some((name) => name.endsWith(".part"));
    }
    process.kill(-child.pid!, "SIGINT"); // as a terminal does: the whole group, whatever it has started
    const [code] = await once(child, "close");
    assert.equal(code, 130);
    const { complete, videos } = JSON.parse(json);
    assert.equal(complete, false);
    assert.ok(videos[0].frames > 0 && videos[0].frames < 5000);
    assert.equal((await probeVideo(path.join(out, "long_overlay.mp4"))).frames, videos[0].frames);
    assert.deepEqual((await readdir(out)).sort(), ["long_overlay.mp4", "predictions.json"]);
  });
});

test("without ffmpeg a video is refused with the command that installs it, before any work", async (t) => {
  const root = await temporaryFolder(t);
  const checkpoint = tinyCheckpoint(path.join(root, "tiny.pth"));
  await writeFile(path.join(root, "drive.mp4"), "a video");
  const bin = path.join(root, "bin"); // a PATH with nothing in it but node
  await mkdir(bin);
  await symlink(process.execPath, path.join(bin, "node"));
  const words = [script, "predict", checkpoint, path.join(root, "drive.mp4"), "--out", path.join(root, "out")];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", env: { PATH: bin } });
  assert.deepEqual([status, stdout], [1, ""]);
  assert.match(stderr, /^adsam: videos: found no ffmpeg on this machine, expected .*sudo apt-get install ffmpeg\./);
  await assert.rejects(readdir(path.join(root, "out")));
});
