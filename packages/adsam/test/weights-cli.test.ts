import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { knownFiles } from "../src/weights/known-files.js";
import { serve, sha256Of, someBytes, type TestServer } from "./weights-server.js";

const program = fileURLToPath(new URL("./weights-cli-process.js", import.meta.url));
const content = someBytes(200_003);
const firstBytes = `a file that begins with the bytes ${[...content.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
const base = mkdtempSync(join(tmpdir(), "adsam-weights-"));
let server: TestServer;
let cache: string;

before(async () => {
  server = await serve(content);
});
beforeEach((context) => {
  cache = join(base, context.name.replaceAll(/\W+/g, "-"));
  mkdirSync(join(cache, "weights"), { recursive: true });
});
after(async () => {
  await server.close();
  rmSync(base, { recursive: true, force: true });
});

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in a process of its own. @param stopAt a file; once it has 16 kB, the process gets what Ctrl-C sends */
async function weights(words: string[], stopAt?: string): Promise<Run> {
  const { FORCE_COLOR: _, ...env } = process.env;
  const child = spawn(process.execPath, [program, ...words], { env: { ...env, ADSAM_CACHE: cache, COLUMNS: "80" } });
  const watch = setInterval(() => {
    if (stopAt === undefined || (statSync(stopAt, { throwIfNoEntry: false })?.size ?? 0) < 16_000) return;
    child.kill("SIGINT");
    clearInterval(watch);
  }, 10);
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  clearInterval(watch);
  return { code, stdout, stderr };
}

describe("adsam weights list", () => {
  test("has a line a file, none wider than 80 columns, and says what is in the cache", async () => {
    writeFileSync(join(cache, "weights", "mobile_sam.pt"), "not checked");
    writeFileSync(join(cache, "weights", "resnet50-0676ba61.pth.part"), Buffer.alloc(5_126_600));
    const { code, stdout, stderr } = await weights(["list"]);
    assert.deepEqual([code, stderr], [0, ""]);
    const lines = stdout.split("\n");
    for (const { name } of knownFiles)
      assert.equal(lines.filter((line) => line.startsWith(`${name} `)).length, 1, name);
    for (const line of lines.slice(0, knownFiles.length + 1)) assert.ok(line.length <= 80, line);
    assert.match(stdout, /^sam-vit-h {2,}SAM ViT-H, the paper's +2\.56 GB {2}Apache-2\.0$/m);
    assert.match(stdout, /^mobile-sam .* unchecked$/m);
    assert.match(stdout, /^resnet50 .* 5 %$/m);
    assert.match(stdout, /^resnet101 .* ~178\.8 MB /m);
    assert.match(stdout, /^no published SHA-256: sam-vit-l-hf, sam-vit-h-hf$/m);
  });

  test("--json has addresses, hashes and what is not known", async () => {
    const { stdout } = await weights(["list", "--json"]);
    const entries = JSON.parse(stdout);
    assert.equal(entries.length, knownFiles.length);
    assert.deepEqual(entries[0], {
      ...knownFiles[0],
      state: "absent",
      partialBytes: 0,
      path: join(cache, "weights", "sam_vit_b_01ec64.pth"),
    });
    assert.equal(entries.find(({ name }: { name: string }) => name === "sam-vit-h-hf").sha256, null);
  });
});

describe("adsam weights fetch", () => {
  test("downloads, says where to and what nobody checked, and has it the next time", async () => {
    const first = await weights(["fetch", "sam-vit-h-hf", "--from", server.address]);
    const path = join(cache, "weights", "facebook-sam-vit-huge.safetensors");
    assert.equal(first.code, 0, first.stderr);
    const said = [
      "sam-vit-h-hf fetched, 200.0 kB",
      `SHA-256 ${sha256Of(content)}`,
      "no SHA-256 is published for it; compare with https://huggingface.co/facebook/sam-vit-huge",
    ];
    assert.equal(first.stdout, `${[...said, path].join("\n")}\n`);
    assert.match(first.stderr, /^fetching facebook-sam-vit-huge\.safetensors, 2\.56 GB, from 127\.0\.0\.1:\d+\n$/); // no bar in a pipe
    const again = await weights(["fetch", "sam-vit-h-hf", "--json"]);
    const expected = {
      name: "sam-vit-h-hf",
      path,
      size: 200_003,
      sha256: sha256Of(content),
      outcome: "cached",
      resumedFrom: 0,
    };
    assert.deepEqual([again.code, JSON.parse(again.stdout), again.stderr], [0, expected, ""]);
  });

  test("of the wrong bytes is one sentence and exit code 1", async () => {
    const { code, stdout, stderr } = await weights(["fetch", "resnet101", "--from", server.address]);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      /adsam: download http.*: found 200003 bytes with SHA-256 [0-9a-f]{64}, expected SHA-256 63fe2227/,
    );
    assert.equal(existsSync(join(cache, "weights", "resnet101-63fe2227.pth")), false);
  });

  test("stopped by Ctrl-C says how to go on, and does", async () => {
    const command = ["fetch", "sam-vit-h-hf", "--from", server.address];
    server.turns.push({ slow: 20 });
    const stopped = await weights(command, join(cache, "weights", "facebook-sam-vit-huge.safetensors.part"));
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.match(
      stopped.stderr,
      /stopped after \d+\.\d kB of 2\.56 GB\ngo on with: adsam weights fetch sam-vit-h-hf --from 'http/,
    );
    const { code, stdout, stderr } = await weights(command);
    assert.equal(code, 0);
    assert.match(stdout, /^sam-vit-h-hf fetched, 200\.0 kB, of which \d+\.\d kB were here\n/);
    assert.match(stderr, /going on after \d+\.\d kB of an earlier download/);
  });

  test("of a name nobody knows lists those known", async () => {
    const { code, stderr } = await weights(["fetch", "sam-vit-x"]);
    assert.equal(code, 1);
    assert.match(stderr, /^adsam: weights: found "sam-vit-x", expected one of sam-vit-b, sam-vit-l, /);
  });
});

describe("adsam weights verify", () => {
  test("of one's own file says its hash, and that nobody knows it", async () => {
    const path = join(cache, "own.pth");
    writeFileSync(path, content);
    const { code, stdout } = await weights(["verify", path]);
    assert.equal(code, 1);
    assert.equal(
      stdout,
      `${path}\nsize     200003 bytes\nSHA-256  ${sha256Of(content)}\n` +
        "unknown: nobody here knows this file (adsam weights list names those known)\n" +
        `It is no checkpoint: ${firstBytes}.\n`,
    );
  });

  test("of half a file says how much is missing", async () => {
    const path = join(cache, "mobile_sam.pt");
    writeFileSync(path, content);
    const { code, stdout } = await weights(["verify", path]);
    assert.equal(code, 1);
    assert.match(
      stdout,
      /\nwrong: it is not mobile-sam, which has\nsize {5}40728226 bytes: 40\.5 MB are missing here\nSHA-256 {2}6dbb9052/,
    );
    const json = JSON.parse((await weights(["verify", path, "--json"])).stdout);
    assert.deepEqual(json, {
      path,
      size: 200_003,
      sha256: sha256Of(content),
      verdict: "mismatch",
      known: "mobile-sam",
      content: { kind: "none", family: null, text: firstBytes },
    });
  });
});
