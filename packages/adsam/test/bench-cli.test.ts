import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { catalogue, choose } from "../src/bench/catalogue/catalogue.js";
import { readBenchOptions } from "../src/bench/options.js";
import { baselineRule } from "../src/bench/report/baseline.js";
import { readResult } from "../src/bench/report/files.js";
import type { Result } from "../src/bench/result.js";
import { findPeers, peersFolder, peerTitles } from "../src/bench/sides/peers.js";

const typed = (flags = {}, works: readonly string[] = []) =>
  readBenchOptions(works, { batch: "1", budget: "240", device: "cpu", ...flags }, "adsam bench");

const main = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
async function adsam(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [main, ...words])) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

test("options: everything on all cores unless asked for less; what makes no sense is named", () => {
  const { repeats, budget, threads, sizes, batch } = typed();
  assert.deepEqual(
    { repeats, budget, threads, sizes, batch },
    { repeats: 3, budget: 240, threads: availableParallelism(), sizes: undefined, batch: 1 },
  );
  assert.equal(typed({ quick: true }).repeats, 1);
  assert.deepEqual(typed({ peers: "none" }).peers.wanted, []);
  assert.throws(() => typed({ sizes: "512,100" }), /--sizes.*"100".*multiples of 32/s);
  assert.throws(() => typed({ repeats: "0" }), /--repeats.*"0"/s);
  assert.throws(() => typed({ batch: "" }), /--batch/);
  assert.throws(() => typed({ dtype: "float64" }), /--dtype.*float32 or bfloat16/s);
  assert.throws(() => typed({ peers: "jax" }), /--peers.*"jax".*pytorch/s);
});

describe("the works", () => {
  const idsOf = (flags: object, works: readonly string[] = []) =>
    choose(catalogue(typed(flags)), works).map(({ id }) => id);

  test("are chosen by name, beginning or group, in the table's order", () => {
    assert.deepEqual(idsOf({}, ["sam-vit-b", "ad-sam-step"]), ["ad-sam-step-512", "ad-sam-step-1024", "sam-vit-b"]);
    assert.deepEqual(idsOf({}, ["data"]), ["pictures", "metric"]);
    assert.deepEqual(idsOf({ sizes: "256" }, ["ad-sam"]), ["ad-sam-forward-256", "ad-sam-step-256"]);
    assert.throws(() => idsOf({}, ["resnet"]), /"resnet".*ad-sam, operators, encoders, data/s);
  });

  test("have targets for one picture on the CPU alone, and other names under other conditions", () => {
    const targets = (flags: object) =>
      catalogue(typed(flags)).flatMap(({ rows }) => rows.filter(({ target }) => target));
    assert.equal(targets({}).length, 16);
    for (const flags of [{ quick: true }, { batch: "2" }, { dtype: "bfloat16" }, { device: "cuda" }])
      assert.equal(targets(flags).length, 0);
    assert.equal(idsOf({ batch: "2" }, ["backbone"])[0], "backbone-batch-2");
  });

  test("on a GPU stand beside PyTorch, without ONNX Runtime and without the process's memory", () => {
    const rows = catalogue(typed({ device: "cuda" })).filter(({ group }) => group !== "data");
    for (const { sides, rows: lines } of rows) {
      assert.ok(Object.values(sides).every(({ who }) => who !== "onnxruntime"));
      assert.ok(lines.every(({ memory }) => memory === undefined));
    }
    const vitB = rows.find(({ id }) => id === "sam-vit-b-cuda")!;
    assert.deepEqual(
      vitB.rows.map(({ ours, peer }) => [ours, peer]),
      [
        ["float32", "pytorch"],
        ["bfloat16", undefined],
      ],
    );
  });

  test("name sides that are there", () => {
    for (const { sides, rows, agreements, id } of [...catalogue(typed()), ...catalogue(typed({ device: "cuda" }))]) {
      for (const { ours, peer } of [...rows, ...agreements]) {
        assert.equal(sides[ours]?.who, "ours", id);
        assert.ok(peer === undefined || sides[peer] !== undefined, id);
      }
    }
  });
});

test("the help says how the baseline judges, and the list loads no libtorch", async () => {
  const { stdout } = await adsam("bench", "--help");
  assert.ok(stdout.replace(/\s+/g, " ").includes(baselineRule), stdout);
  const list = await adsam("bench", "--list", "data");
  assert.match(list.stdout, /metric .*NumPy .*≥ 3/);
});

test("a peer that is not there is told with the command that mends it", async () => {
  const wanted = ["pytorch", "onnxruntime"] as const;
  const { missing } = await findPeers({ wanted, folder: "/nowhere/peers" });
  assert.deepEqual(
    missing.map(({ peer }) => peer),
    wanted,
  );
  assert.match(missing[0]!.todo, /npm run bench/);
  const [python] = (await findPeers({ wanted: ["pytorch"], python: "/nowhere/python" })).missing;
  assert.match(`${python!.reason} ${python!.todo}`, /\/nowhere\/python.*python3-torch/);
});

const wanted = ["pytorch", "onnxruntime", "pillow", "numpy"] as const;
const { found, missing } = await findPeers({ wanted });
const skip =
  missing.length > 0 && `not here: ${missing.map(({ peer, reason }) => `${peerTitles[peer]} (${reason})`).join("; ")}`;

test("a quick run of every peer: outputs agree, and the result is written", { skip }, async (t) => {
  assert.deepEqual([...found.keys()], wanted, peersFolder);
  const out = mkdtempSync(join(tmpdir(), "adsam-bench-test-"));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  writeFileSync(join(out, "performance.md"), "# Kept\n");
  const json = join(out, "run.json");
  const works = ["ad-sam-step", "deform-conv-64-64", "sam-vit-b", "data"];
  const { code, stderr } = await adsam("bench", ...works, "--quick", "--out", out, "--json", json);
  assert.equal(code, 0, stderr);
  const { rows, skipped, failures, agreements } = readResult(json);
  assert.deepEqual([skipped, failures], [[], []]);
  for (const peer of Object.values(peerTitles))
    assert.ok(
      rows.some((row) => row.peer === peer),
      peer,
    );
  for (const { ours, theirs, ratio, unit, limit } of rows) {
    assert.ok(ours > 0 && theirs! > 0);
    assert.equal(ratio, unit === "s" ? theirs! / ours : ours / theirs!);
    assert.equal(limit !== null && limit > 0, unit === "s");
  }
  assert.ok(agreements.length >= 8 && agreements.every(({ difference, limit }) => difference <= limit));
  assert.match(readFileSync(join(out, "performance.md"), "utf8"), /^# Kept\n.*\| AD-SAM training step, 64×64 \|/s);
});

test("without peers this project's works stand alone; a regression ends with exit code 1 and a table", async (t) => {
  const out = mkdtempSync(join(tmpdir(), "adsam-bench-test-"));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  const json = join(out, "run.json");
  const quick = ["bench", "metric", "--quick", "--peers", "none", "--json", json];
  assert.equal((await adsam(...quick)).code, 0);
  const before = readResult(json);
  assert.deepEqual(
    before.rows.map(({ work, peer }) => [work, peer]),
    [["evaluation metric, confusion matrix of 256×128", null]],
  );
  const [row, run] = [before.rows[0]!, before.runs[0]!]; // what the metric needs is its bytes alone
  assert.ok(Math.abs(row.bytes! / row.limit! / run.rates!.copy! - 1) < 1e-9, "the limit is that of the rates recorded");
  const faster: Result = {
    ...before,
    rows: before.rows.map((row) => ({ ...row, ours: 1e-9, spread: { ours: [1e-9, 1e-9], theirs: null } })),
  };
  writeFileSync(join(out, "baseline.json"), JSON.stringify(faster));
  const worse = await adsam(...quick, "--baseline", join(out, "baseline.json"));
  assert.equal(worse.code, 1);
  assert.match(worse.stdout, /confusion matrix.*time.*regressed/);
  assert.match(worse.stderr, /1 of 1 rows worse/);
  assert.equal((await adsam(...quick, "--baseline", join(out, "none.json"))).code, 1);
});

test("Ctrl-C keeps the whole turns of the work at hand, and ends with 130", async (t) => {
  const out = mkdtempSync(join(tmpdir(), "adsam-bench-test-"));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  const json = join(out, "run.json");
  const words = ["metric", "--quick", "--peers", "none", "--repeats", "1000000", "--budget", "600", "--json", json];
  const child = spawn(process.execPath, [main, "bench", ...words]);
  let told = "";
  child.stderr.on("data", (chunk) => {
    const before = told;
    told += chunk;
    if (/turn 3 of/.test(told) && !/turn 3 of/.test(before)) child.kill("SIGINT");
  });
  const [code] = await once(child, "exit");
  assert.equal(code, 130, told);
  const { rows, failures } = readResult(json);
  assert.ok(rows[0]!.n >= 2 && rows[0]!.n < 1_000_000);
  assert.deepEqual(failures, []);
});

test("growth of one work in small sizes", async (t) => {
  const out = mkdtempSync(join(tmpdir(), "adsam-bench-test-"));
  t.after(() => rmSync(out, { recursive: true, force: true }));
  const json = join(out, "run.json");
  assert.equal((await adsam("bench", "hybrid-loss", "--growth", "--quick", "--threads", "2", "--json", json)).code, 0);
  const { growth, rows, runs } = readResult(json);
  assert.deepEqual([rows, runs[0]!.rates], [[], undefined]);
  assert.deepEqual(
    growth.map(({ axis, points }) => [axis, points.map(({ x }) => x)]),
    [
      ["size", [64, 96, 128]],
      ["threads", [1, 2]],
      ["batch", [1, 2]],
    ],
  );
  assert.match((await adsam("bench", "metric", "--growth")).stderr, /"metric".*hybrid-loss/s);
  assert.ok(Number.isFinite(growth[0]!.exponent) && growth[1]!.efficiency! > 0);
});
