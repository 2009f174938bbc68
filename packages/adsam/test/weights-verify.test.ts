import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { cacheFolder } from "../src/cache-folder.js";
import { encoders } from "../src/models/encoders.js";
import { cachedFile, cacheState, markChecked, placeOf, requireCachedFile } from "../src/weights/cache.js";
import { type KnownFile, knownFiles, publishedFile } from "../src/weights/known-files.js";
import { verifyFile } from "../src/weights/verify.js";
import { sha256Of } from "./weights-server.js";

const base = mkdtempSync(join(tmpdir(), "adsam-weights-"));
after(() => rmSync(base, { recursive: true, force: true }));
beforeEach((context) => {
  process.env.ADSAM_CACHE = join(base, context.name.replaceAll(/\W+/g, "-"));
  mkdirSync(cacheFolder("weights"), { recursive: true });
});

/** A file of the right length at its place, as far as the disk knows: its bytes are zero and take no room. */
function putZeros(file: KnownFile): string {
  const place = placeOf(file);
  writeFileSync(place, "");
  truncateSync(place, file.size.bytes);
  return place;
}

describe("the known files", () => {
  test("have one name, one place and one address each, over https", () => {
    for (const key of ["name", "fileName", "address"] as const)
      assert.equal(new Set(knownFiles.map((file) => file[key])).size, knownFiles.length, key);
    for (const { address, source } of knownFiles) for (const url of [address, source]) assert.match(url, /^https:\/\//);
  });

  test("have hashes that can be some, and torchvision's begin as the file's name ends", () => {
    for (const { name, fileName, sha256, address } of knownFiles) {
      if (sha256 === undefined) continue;
      assert.match(sha256.hex, sha256.isPrefix ? /^[0-9a-f]{6,63}$/ : /^[0-9a-f]{64}$/, name);
      if (!address.includes("download.pytorch.org")) continue;
      assert.ok(sha256.hex.startsWith(/-([0-9a-f]{8})\.pth$/.exec(fileName)![1]!), name);
    }
    assert.equal(new Set(knownFiles.map(({ sha256 }) => sha256?.hex ?? Math.random())).size, knownFiles.length);
  });

  test("are there for every encoder that someone pretrained, by name and by file name", () => {
    for (const name of Object.keys(encoders))
      assert.equal(publishedFile(name) !== undefined, !name.startsWith("nano"), name);
    assert.equal(publishedFile("sam_vit_h_4b8939.pth")?.name, "sam-vit-h");
    assert.equal(publishedFile("sam-vit-x"), undefined);
  });
});

describe("the cache folder", () => {
  test("is ADSAM_CACHE, else below XDG_CACHE_HOME, else below the home folder", () => {
    const { ADSAM_CACHE, XDG_CACHE_HOME } = process.env;
    try {
      process.env.ADSAM_CACHE = "somewhere";
      assert.equal(cacheFolder("weights"), join(process.cwd(), "somewhere", "weights"));
      process.env.ADSAM_CACHE = "";
      process.env.XDG_CACHE_HOME = "/xdg";
      assert.equal(cacheFolder(), "/xdg/adsam");
      process.env.XDG_CACHE_HOME = "relative";
      assert.equal(cacheFolder("a", "b"), join(homedir(), ".cache", "adsam", "a", "b"));
    } finally {
      process.env.ADSAM_CACHE = ADSAM_CACHE;
      if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    }
  });

  test("gives a file only once it was checked, and no longer than it stays as it was", async () => {
    const file = publishedFile("mobile-sam")!;
    const place = putZeros(file);
    assert.equal(cachedFile("mobile-sam"), undefined);
    assert.equal(cacheState(file), "unchecked");
    await markChecked(file, file.sha256!.hex); // as if hashed
    assert.equal(cachedFile("mobile-sam"), place);
    assert.equal(requireCachedFile("mobile-sam"), place);
    utimesSync(place, 1, 1);
    assert.equal(cachedFile("mobile-sam"), undefined);
    await markChecked(file, "0".repeat(64)); // a mark of another hash than the published one counts for nothing
    assert.equal(cachedFile("mobile-sam"), undefined);
    writeFileSync(`${place}.checked.json`, "{"); // cut
    assert.equal(cachedFile("mobile-sam"), undefined);
  });

  test("without the file names address, place and command", () => {
    const place = join(process.env.ADSAM_CACHE!, "weights", "sam_vit_h_4b8939.pth");
    assert.throws(() => requireCachedFile("sam-vit-h"), {
      name: "Problem",
      message:
        `weights "sam-vit-h": found nothing at "${place}", expected sam_vit_h_4b8939.pth (2.56 GB). Run adsam weights fetch sam-vit-h. ` +
        "Without network here: download https://dl.fbaipublicfiles.com/segment_anything/sam_vit_h_4b8939.pth elsewhere, " +
        `put it at "${place}" and run adsam weights verify "${place}".`,
    });
    writeFileSync(`${place}.part`, "some");
    assert.throws(() => requireCachedFile("sam-vit-h"), /found half a download at ".*\.part"/);
    writeFileSync(place, "mine");
    assert.throws(
      () => requireCachedFile("sam-vit-h"),
      /which was never checked or has changed since\. Run adsam weights verify "/,
    );
    assert.throws(
      () => requireCachedFile("sam-vit-x"),
      /^Problem: weights: found "sam-vit-x", expected one of sam-vit-b, /,
    );
  });
});

describe("verify", () => {
  test("of a file nobody knows tells its hash", async () => {
    const path = join(base, "mine.pth");
    writeFileSync(path, "mine");
    const sha256 = sha256Of(Buffer.from("mine"));
    const content = { kind: "none", family: null, text: "a file that begins with the bytes 6d 69 6e 65" };
    assert.deepEqual(await verifyFile(path), { path, size: 4, sha256, verdict: "unknown", known: undefined, content });
  });

  test("of a file with a known name, or said to be a known one, tells that it is not", async () => {
    for (const name of ["resnet50-0676ba61.pth", "resnet50-0676ba61 (1).pth"]) {
      const path = join(base, name);
      writeFileSync(path, "mine");
      const { verdict, known } = await verifyFile(path);
      assert.deepEqual([verdict, known?.name], ["mismatch", "resnet50"]);
    }
    const path = join(base, "any.pth");
    writeFileSync(path, "mine");
    assert.equal((await verifyFile(path, { as: "sam-vit-b" })).verdict, "mismatch");
    await assert.rejects(verifyFile(path, { as: "sam-vit-x" }), Problem);
  });

  test("of a file at the place of one without a published hash leaves the question open, and remembers it", async () => {
    const place = placeOf(publishedFile("sam-vit-l-hf")!);
    writeFileSync(place, "some");
    const seen: number[] = [];
    const { verdict, known } = await verifyFile(place, { onProgress: (done, total) => void seen.push(done, total) });
    assert.deepEqual([verdict, known?.name, seen], ["unconfirmed", "sam-vit-l-hf", [4, 4]]);
    assert.equal(cachedFile("sam-vit-l-hf"), place);
  });

  test("of a wrong file at its place does not remember it", async () => {
    const place = putZeros(publishedFile("mobile-sam")!);
    assert.equal((await verifyFile(place)).verdict, "mismatch");
    assert.equal(cachedFile("mobile-sam"), undefined);
  });

  test("of nothing, and of a folder, says so", async () => {
    await assert.rejects(
      verifyFile(join(base, "none")),
      /^Problem: file ".*none": found no such file, expected a readable file/,
    );
    await assert.rejects(verifyFile(base), Problem);
  });
});
