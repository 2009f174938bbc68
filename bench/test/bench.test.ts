import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Problem } from "@adsam/torch/problem";
import { compare } from "../src/compare.js";
import { readOptions } from "../src/options.js";
import { withResult } from "../src/page.js";
import type { Result, Row } from "../src/result.js";
import type { SideCommand, WorkName } from "../src/side.js";
import { findPython } from "../src/sides.js";
import { summary } from "../src/statistics.js";
import type { Script } from "./stand-in.js";

function standIn(name: string, script: Script): SideCommand {
  const file = fileURLToPath(new URL("./stand-in.js", import.meta.url));
  return { name, program: process.execPath, args: [file, JSON.stringify(script)], env: {} };
}

function compared(work: WorkName, ours: Script, theirs: Script, repeats: number) {
  const sides = { ours: standIn("AD-SAM", ours), theirs: standIn("PyTorch", theirs), repeats };
  return compare({ work, size: 64, threads: 1 }, sides, () => undefined);
}

describe("a comparison", () => {
  test("leaves the first turn out and tells median, least and most of the others", async () => {
    const logits = [1, -2.5];
    const { rows, agreements } = await compared(
      "forward",
      { logits, seconds: [90, 3, 1, 8] },
      { logits: [1, -2.5001], seconds: [70, 5, 4, 6] },
      3,
    );
    const { ours, theirs, ratio, unit, n, spread } = rows[0]!;
    assert.deepEqual(
      { ours, theirs, ratio, unit, n, spread },
      { ours: 3, theirs: 5, ratio: 0.6, unit: "s", n: 3, spread: { ours: [1, 8], theirs: [4, 6] } },
    );
    assert.ok(Math.abs(agreements[0]!.difference - 1e-4) < 1e-6, `${agreements[0]!.difference}`);
  });

  test("refuses to time logits that differ, one of them not a number included", async () => {
    for (const wrong of [-2.6, "NaN"]) {
      const run = compared(
        "forward",
        { logits: [1, -2.5], seconds: [1, 1] },
        { logits: [1, wrong], seconds: [1, 1] },
        1,
      );
      await assert.rejects(
        run,
        (error) => error instanceof Problem && /logits, largest difference.* at most 0\.000\d+/s.test(error.message),
      );
    }
  });

  test("refuses a gradient that only one side has, and losses that part after the first step", async () => {
    const seconds = [1, 1];
    const other: Script = { norms: { weight: 1 }, losses: [0.5, 0.4], seconds };
    await assert.rejects(
      compared("step", { norms: { bias: 1, weight: 1 }, losses: [0.5, 0.4], seconds }, other, 1),
      /gradient norms of 2 parameters.*worst: bias/,
    );
    await assert.rejects(
      compared("step", { norms: { weight: 1 }, losses: [0.5, 0.41], seconds }, other, 1),
      /loss of 2 steps/,
    );
  });

  test("tells which side ended and what it said last", async () => {
    const run = compared("forward", { logits: [1], seconds: [1, 1] }, { logits: [1], seconds: [1] }, 1);
    await assert.rejects(run, /process of PyTorch.*out of memory/s);
  });
});

test("a summary of an even number of turns lies between the two in the middle", () => {
  assert.deepEqual(summary([4, 1, 9, 2]), { n: 4, median: 3, range: [1, 9] });
});

test("options: the whole measurement unless asked for less; what makes no sense is named", () => {
  const { sizes, works, repeats, out } = readOptions([])!;
  assert.deepEqual(
    { sizes, works, repeats, out },
    { sizes: [512, 1024], works: ["forward", "step"], repeats: 3, out: "docs" },
  );
  assert.equal(readOptions(["--quick"])!.out, undefined);
  assert.equal(readOptions(["--help"]), undefined);
  assert.throws(() => readOptions(["--sizes", "512,100"]), /--sizes.*"100".*multiples of 32/s);
  assert.throws(() => readOptions(["--work", "both"]), /--work.*"both".*forward, step/s);
  assert.throws(() => readOptions(["--repeats", "0"]), /--repeats.*"0"/s);
  assert.throws(() => readOptions(["--sise", "64"]), /--sise.*--help/s);
});

test("the page keeps what stands around the table", () => {
  const result: Result = {
    machine: "m",
    date: "2026-01-02T03:04:05.000Z",
    command: "c",
    versions: { ours: "a", theirs: "b" },
    load: { before: 1, after: 2 },
    rows: [],
    agreements: [],
  };
  const page = withResult("# Title\n\nbefore\n", result);
  const again = withResult(`${page}\nafter\n`, { ...result, command: "d" });
  assert.match(again, /^# Title\n\nbefore\n\n<!--.*command: `d`.*-->\n\nafter\n$/s);
  assert.doesNotMatch(again, /`c`/);
});

const python = await findPython();
test("both sides compute the same at 64×64, and the result is written", {
  skip: python === undefined ? "no Python with torch, torchvision and scipy" : false,
}, async (t) => {
  const out = mkdtempSync(join(tmpdir(), "adsam-bench-test-"));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  writeFileSync(join(out, "performance.md"), "# Kept\n");
  const run = fileURLToPath(new URL("../src/run.js", import.meta.url));
  await promisify(execFile)(process.execPath, [run, "--quick", "--python", python!, "--out", out]);
  const { rows } = JSON.parse(readFileSync(join(out, "performance.json"), "utf8")) as { rows: Row[] };
  assert.equal(rows[0]?.work, "evaluation forward, 64×64");
  assert.equal(rows.length, process.platform === "linux" ? 4 : 2);
  for (const { ours, theirs, ratio } of rows) assert.ok(ours > 0 && theirs > 0 && ratio === ours / theirs);
  assert.match(readFileSync(join(out, "performance.md"), "utf8"), /^# Kept\n.*\| training step, 64×64 \|/s);
});
