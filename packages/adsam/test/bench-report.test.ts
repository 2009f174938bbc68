import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { growthLine } from "../src/bench/growth/growth.js";
import { whyNot } from "../src/bench/growth/measure.js";
import { growthPlans } from "../src/bench/growth/plan.js";
import { compareWithBaseline } from "../src/bench/report/baseline.js";
import { checkFolder, readResult, writeResult } from "../src/bench/report/files.js";
import { merged } from "../src/bench/report/merge.js";
import { prefixed, quantity, spreadText } from "../src/bench/report/numbers.js";
import { resultMarkdown, withResult } from "../src/bench/report/page.js";
import type { Result, Row } from "../src/bench/result.js";
import { powerLaw, summary } from "../src/bench/statistics.js";

const row = (change: Partial<Row> = {}): Row => ({
  id: "work",
  work: "a work",
  peer: "PyTorch",
  ratio: 5,
  ours: 2,
  theirs: 10,
  unit: "s",
  limit: 1,
  attained: 0.5,
  n: 3,
  spread: { ours: [1.9, 2.1], theirs: [9.8, 10.2] },
  date: "2026-01-02T00:00:00Z",
  ...change,
});

const result = (change: Partial<Result> = {}): Result => ({
  format: 2,
  machine: "m",
  date: "2026-01-02T00:00:00Z",
  command: "c",
  runs: [{ date: "2026-01-02T00:00:00Z", command: "c", load: { before: 1, after: 2 } }],
  versions: { "AD-SAM": "1" },
  blas: "b",
  rows: [],
  agreements: [],
  growth: [],
  skipped: [],
  failures: [],
  ...change,
});

test("a summary of an even number of turns lies between the two in the middle", () => {
  assert.deepEqual(summary([4, 1, 9, 2]), { n: 4, median: 3, range: [1, 9] });
});

test("the law of growth is that of the points", () => {
  const { exponent, factor, r2 } = powerLaw([256, 512, 1024].map((x) => [x, 3 * x ** 2]))!;
  assert.ok(Math.abs(exponent - 2) < 1e-12 && Math.abs(factor - 3) < 1e-9 && Math.abs(r2 - 1) < 1e-12);
  assert.ok(
    Math.abs(
      powerLaw([
        [1, 1],
        [2, 4],
        [4, 4],
      ])!.exponent - 1,
    ) < 1e-12,
  ); // least squares by hand: ln 4 / (2 ln 2)
  assert.equal(
    powerLaw([
      [4, 1],
      [4, 2],
    ]),
    undefined,
  );
});

describe("growth", () => {
  const plans = growthPlans({ threads: 2, device: "cpu", dtype: "float32", quick: false });

  test("runs over sizes, threads and batches, the exponent being that of pixels", () => {
    const sizes = plans.find(({ id }) => id === "ad-sam-forward-size")!;
    assert.deepEqual(
      sizes.points.map(({ order: { height, batch } }) => [height, batch]),
      [
        [256, 1],
        [512, 1],
        [1024, 1],
        [2048, 1],
      ],
    );
    const measured = sizes.points.map(({ x }) => ({ x, turns: [(x / 256) ** 2], peak: undefined }));
    assert.ok(Math.abs(growthLine(sizes, measured, { skipped: [], date: "" }).exponent! - 1) < 1e-12);
    const threads = plans.find(({ id }) => id === "hybrid-loss-threads")!;
    assert.deepEqual(
      threads.points.map(({ order }) => order.threads),
      [1, 2],
    );
    const line = growthLine(
      threads,
      [
        { x: 1, turns: [3], peak: 1e9 },
        { x: 2, turns: [2], peak: 1e9 },
      ],
      { skipped: [], date: "" },
    );
    assert.equal(line.efficiency, 0.75);
    assert.equal(line.exponent, null);
  });

  test("leaves out what will not fit into memory or into the budget, and says so", () => {
    const { points } = plans.find(({ id }) => id === "ad-sam-step-batch")!;
    const before = [{ order: points[2]!.order, turns: [10], peak: 5.35e9 }]; // batch 4; the next is 8
    assert.match(whyNot(points[3]!.order, before, 240, 11e9)!, /about 10 GB.*11 GB are free/);
    assert.match(whyNot(points[3]!.order, before, 30, 64e9)!, /about 20 s.*budget is 30 s/);
    assert.equal(whyNot(points[3]!.order, before, 240, 64e9), undefined);
    assert.equal(whyNot(points[0]!.order, [], 1, 1), undefined);
  });
});

describe("a baseline", () => {
  const against = (now: Row, before: Row, machine = "m") =>
    compareWithBaseline(result({ rows: [now] }), result({ rows: [before], machine }));

  test("a ratio regresses where the spreads part and the medians differ by more than 5 %", () => {
    const slower = row({ ours: 2.6, ratio: 10 / 2.6, spread: { ours: [2.5, 2.7], theirs: [9.8, 10.2] } });
    assert.equal(against(slower, row()).lines[0]!.regressed, true);
    assert.equal(against(row(), slower).lines[0]!.regressed, false);
    assert.equal(against(row(), row()).lines[0]!.regressed, false);
    const scattered = row({ ours: 2.6, spread: { ours: [2, 5], theirs: [9.8, 10.2] } });
    assert.equal(against(scattered, row()).lines[0]!.regressed, false);
    const narrow: Partial<Row> = { spread: { ours: [2, 2], theirs: [10, 10] } };
    assert.equal(
      against(row({ ...narrow, ours: 2.08, spread: { ours: [2.08, 2.08], theirs: [10, 10] } }), row(narrow)).lines[0]!
        .regressed,
      false,
    );
  });

  test("a slower machine slows both: the ratio stays", () => {
    const twice = row({ ours: 4, theirs: 20, spread: { ours: [3.8, 4.2], theirs: [19.6, 20.4] } });
    assert.equal(against(twice, row(), "another").lines[0]!.regressed, false);
  });

  test("without a peer times are compared, on the same machine alone; of one turn, 15 % count", () => {
    const alone = (ours: number, n = 3) =>
      row({ peer: null, theirs: null, ratio: null, ours, n, spread: { ours: [ours, ours], theirs: null } });
    assert.equal(against(alone(2.3), alone(2)).lines[0]!.regressed, true);
    assert.equal(against(alone(2.2, 1), alone(2)).lines[0]!.regressed, false);
    assert.match(against(alone(9), alone(2), "another").left[0]!.reason, /another machine/);
    assert.match(against(alone(9), row()).left[0]!.reason, /no such row/);
  });

  test("more memory is worse", () => {
    const memory = (ours: number) =>
      row({ unit: "GB", ours, theirs: 4, n: 1, spread: { ours: [ours, ours], theirs: [4, 4] } });
    assert.equal(against(memory(2.2), memory(2)).lines[0]!.regressed, true);
    assert.equal(against(memory(2.05), memory(2)).lines[0]!.regressed, false);
  });
});

describe("results of several runs", () => {
  const earlier = result({
    command: "first",
    runs: [{ date: "d1", command: "first", load: { before: 0, after: 0 } }],
    rows: [row({ id: "a", date: "d1" }), row({ id: "b", work: "old b", date: "d1" })],
  });
  const later = result({
    command: "second",
    runs: [{ date: "d2", command: "second", load: { before: 0, after: 0 } }],
    rows: [row({ id: "c", date: "d2" }), row({ id: "b", work: "new b", date: "d2" })],
  });

  test("stand together in the order of the table, measured anew replacing what was", () => {
    const both = merged(earlier, later, ["a", "b", "c"]);
    assert.deepEqual(
      both.rows.map(({ id, work }) => [id, work]),
      [
        ["a", "a work"],
        ["b", "new b"],
        ["c", "a work"],
      ],
    );
    assert.equal(both.command, "first && second");
    assert.equal(merged(both, { ...later, rows: [...later.rows, row({ id: "a", date: "d2" })] }, []).command, "second");
  });

  test("keep each run's rates, those of the run at hand brought up to date; rates of a file as a whole are dropped", () => {
    const rates = { float32: 2, bfloat16: 4, copy: 1 };
    const old = { ...earlier, rates: { float32: 1, bfloat16: 1, copy: 1 } }; // as files were before runs had theirs
    const of = (float32: number) => ({ ...later, runs: [{ ...later.runs[0]!, rates: { ...rates, float32 } }] });
    const both = merged(merged(old, of(2), []), of(3), []);
    assert.deepEqual(
      both.runs.map(({ rates }) => rates?.float32),
      [undefined, 3],
    );
    assert.ok(!("rates" in both));
    assert.equal(merged(both, result({ runs: [{ ...later.runs[0]!, date: "d3" }] }), []).runs[1]!.rates!.float32, 3);
  });

  test("of another machine are not mixed", (t) => {
    assert.deepEqual(merged({ ...earlier, machine: "x" }, later, []), later);
    const folder = mkdtempSync(join(tmpdir(), "adsam-bench-test-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "performance.md"), "# Kept\n");
    writeResult(folder, earlier, []);
    writeResult(folder, later, ["a", "b", "c"]);
    assert.equal(readResult(join(folder, "performance.json")).rows.length, 3);
    assert.match(readFileSync(join(folder, "performance.md"), "utf8"), /^# Kept\n.*\| new b \|/s);
    assert.doesNotThrow(() => checkFolder(folder, "m"));
    assert.throws(() => checkFolder(folder, "x"), /another machine \(m\)/);
    assert.throws(() => readResult(join(folder, "performance.md")), /no result of the benchmark/);
    assert.throws(() => readResult(join(folder, "none.json")), /no such file/);
  });
});

test("the page keeps what stands around the table", () => {
  const page = withResult("# Title\n\nbefore\n", result());
  const run = { date: "2026-02-03", command: "d", load: { before: 1, after: 2 } };
  const again = withResult(`${page}\nafter\n`, result({ runs: [run] }));
  assert.match(again, /^# Title\n\nbefore\n\n<!--.*2026-02-03: `d`.*-->\n\nafter\n$/s);
  assert.doesNotMatch(again, /`c`/);
});

test("each run says what its machine reached; one that measured growth has not looked", () => {
  const load = { before: 1, after: 2 };
  const rates = { float32: 1e11, bfloat16: 2e11, copy: 3e10 };
  const runs = [
    { date: "2026-02-03", command: "c", load, rates },
    { date: "2026-02-04", command: "c --growth", load },
  ];
  const before = { date: "2026-02-02", command: "b", load, rates: { float32: 9e10, copy: 2e10 } }; // not all was kept
  const [, earlier, table, growth] = resultMarkdown(result({ runs: [before, ...runs] })).split("\n");
  assert.match(earlier!, /2 after; matrix products 90\.0 GFLOP\/s in float32, copying 20\.0 GB\/s$/);
  assert.match(table!, /matrix products 100 GFLOP\/s in float32, 200 GFLOP\/s in bfloat16, copying 30\.0 GB\/s$/);
  assert.match(growth!, /2 after$/);
});

test("the table says ratio, what is wanted, roofline and what is missing", () => {
  const text = resultMarkdown(
    result({
      rows: [
        row({ target: 12, reached: false }),
        row({
          peer: null,
          theirs: null,
          ratio: null,
          limit: null,
          attained: null,
          n: 1,
          spread: { ours: [2, 2], theirs: null },
        }),
      ],
      skipped: [{ peer: "onnxruntime", reason: "not installed", todo: "npm install" }],
      failures: [{ id: "metric", reason: "it ended" }],
    }),
  );
  assert.match(
    text,
    /\| a work \| 2\.00 s \(1\.90–2\.10\) \| PyTorch 10\.0 s \(9\.80–10\.2\) \| 5\.00× \| ≥ 12, missed \| 1\.00 s \| 50 % \| 3 \|/,
  );
  assert.match(text, /\| a work \| 2\.00 s \| {2}\| {2}\| {2}\| {2}\| {2}\| 1 \|/);
  assert.match(text, /skipped: onnxruntime, not installed\. npm install\n- failed: metric, it ended/);
});

test("numbers have three digits that count", () => {
  assert.equal(quantity(0.0412, "s"), "41.2 ms");
  assert.equal(quantity(12.71, "s"), "12.7 s");
  assert.equal(quantity(0.0412, "GB"), "0.0412 GB");
  assert.equal(spreadText(0.05, [0.04, 0.06], { unit: "s", n: 3 }), "50.0 ms (40.0–60.0)");
  assert.equal(prefixed(2.154e11), "215 G");
  assert.equal(prefixed(999.9e9), "1.00 T");
});
