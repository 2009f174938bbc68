import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Problem } from "@adsam/torch/problem";
import type { AgreementRule } from "../src/bench/agreement.js";
import type { Comparison } from "../src/bench/catalogue/comparison.js";
import { type CompareOptions, compare, type Measured } from "../src/bench/compare.js";
import type { Order } from "../src/bench/order.js";
import type { Row } from "../src/bench/result.js";
import { bestOf } from "../src/bench/roofline/limit.js";
import type { SideCommand } from "../src/bench/sides/side.js";
import { plannedTurns } from "../src/bench/turns.js";
import type { Script } from "./bench-stand-in.js";

const order: Order = { work: "metric", batch: 1, height: 1, width: 1, threads: 1, device: "cpu", dtype: "float32" };
const logits: AgreementRule = { measure: "largest", limit: 1e-4, what: "logits, largest difference" };
const norms: AgreementRule = { measure: "numbers", limit: 1e-3, what: "gradient norms" };

function standIn(name: string, script: Script): SideCommand {
  const file = fileURLToPath(new URL("./bench-stand-in.js", import.meta.url));
  return { name, program: process.execPath, args: [file, JSON.stringify(script)], env: {} };
}

function comparison(rule: AgreementRule): Comparison {
  return {
    id: "work",
    group: "group",
    sides: { ours: { who: "ours", order }, theirs: { who: "pytorch", order } },
    rows: [{ work: "a work", ours: "ours", peer: "theirs", target: 1.5, memory: { target: 2 } }],
    agreements: [{ ours: "ours", peer: "theirs", rules: [rule] }],
  };
}

const rates = { float32: 10, bfloat16: 20, copy: 8 };

/** One turn each unless said; a round of stand-ins takes milliseconds, so `repeats` alone would be raised to 15. */
async function compared(
  rule: AgreementRule,
  scripts: { readonly ours: Script; readonly theirs?: Script },
  options: Partial<CompareOptions> = {},
): Promise<Measured & { rows: readonly Row[] }> {
  const commands = new Map([["ours", standIn("AD-SAM", scripts.ours)]]);
  if (scripts.theirs) commands.set("pytorch", standIn("PyTorch", scripts.theirs));
  const common = { commands, date: "2026-01-02", repeats: 1, budget: 100, tell: () => undefined };
  const measured = await compare(comparison(rule), { ...common, ...options });
  return { ...measured, rows: measured.rowsAt(rates) };
}

describe("a comparison", () => {
  test("leaves the first turn out, tells medians and spreads, and how many times faster", async () => {
    const { rows, agreements } = await compared(
      logits,
      { ours: { array: [1, -2.5], seconds: [90, 4] }, theirs: { array: [1, -2.5001], seconds: [70, 8] } },
      {},
    );
    const { ours, theirs, ratio, unit, n, limit, attained, reached, peer } = rows[0]!;
    assert.deepEqual(
      { ours, theirs, ratio, unit, n, limit, attained, reached, peer },
      { ours: 4, theirs: 8, ratio: 2, unit: "s", n: 1, limit: 1, attained: 0.25, reached: true, peer: "PyTorch" },
    );
    assert.ok(Math.abs(agreements[0]!.difference - 1e-4 / 2.5) < 1e-6, `${agreements[0]!.difference}`);
    if (process.platform === "linux") {
      const memory = rows[1]!;
      assert.equal(memory.work, "a work, peak memory");
      assert.equal(memory.ratio, memory.ours / memory.theirs!);
      assert.equal(memory.reached, memory.ratio! <= 2);
    }
  });

  test("is held against the rates known in the end: the best of both measurements", async () => {
    const { rowsAt } = await compared(logits, { ours: { array: [1], seconds: [1, 4] } });
    const [noisy, quiet] = [
      { float32: 5, bfloat16: 9, copy: 9 },
      { float32: 20, bfloat16: 8, copy: 1 },
    ];
    assert.deepEqual(bestOf(noisy, quiet), { float32: 20, bfloat16: 9, copy: 9 });
    assert.deepEqual(
      [noisy, quiet, bestOf(noisy, quiet)].map((rates) => rowsAt(rates)[0]!.limit), // ten operations, four bytes
      [2, 4, 0.5],
    );
  });

  test("takes up to 15 turns of a short work, and their median", async () => {
    const told: string[] = [];
    const seconds = (last: number) => [100, ...Array.from({ length: 14 }, () => 1), last];
    const { rows } = await compared(
      logits,
      { ours: { array: [1], seconds: seconds(3) }, theirs: { array: [1], seconds: seconds(5) } },
      { repeats: 2, tell: (line) => told.push(line) },
    );
    const begins = told.filter((line) => /turn \d+ of/.test(line)).map((line) => /: (AD-SAM|PyTorch)/.exec(line)?.[1]);
    assert.deepEqual(begins.slice(0, 4), ["AD-SAM", "PyTorch", "AD-SAM", "PyTorch"]); // whoever begins changes
    const { n, ours, spread } = rows[0]!;
    assert.deepEqual({ n, ours, spread }, { n: 15, ours: 1, spread: { ours: [1, 3], theirs: [1, 5] } });
  });

  test("refuses to time arrays that differ, one of their elements not a number included, or of another length", async () => {
    const ours: Script = { array: [1, -2.5], seconds: [1, 1] };
    for (const array of [[1, -2.6], [1, "NaN"], [1]])
      await assert.rejects(
        compared(logits, { ours, theirs: { array, seconds: [1, 1] } }),
        (error) => error instanceof Problem && /logits, largest difference.* at most 0\.0001/s.test(error.message),
      );
  });

  test("refuses a gradient that only one side has, and losses that part after the first turn", async () => {
    const seconds = [1, 1];
    const theirs: Script = { norms: { weight: 1 }, losses: [0.5, 0.4], seconds };
    await assert.rejects(
      compared(norms, { ours: { ...theirs, norms: { bias: 1, weight: 1 } }, theirs }),
      /gradient norms.*worst: bias/s,
    );
    await assert.rejects(compared(norms, { ours: { ...theirs, losses: [0.5, 0.41] }, theirs }), /loss of every turn/);
  });

  test("leaves out the row of two sides that differ, and keeps the others", async () => {
    const plan = comparison(logits);
    const low = {
      ...plan,
      sides: { ...plan.sides, low: { who: "ours" as const, order } },
      rows: [...plan.rows, { work: "in bfloat16", ours: "low", peer: "theirs" }],
      agreements: [
        ...plan.agreements,
        {
          ours: "low",
          peer: "theirs",
          rules: [{ measure: "relative L2" as const, limit: 1e-9, what: "logits, relative L2" }],
        },
      ],
    };
    const script: Script = { array: [1, 2], seconds: [1, 1] };
    const near: Script = { array: [1, 2.0001], seconds: [1, 1] };
    const commands = new Map([
      ["ours", standIn("AD-SAM", script)],
      ["pytorch", standIn("PyTorch", near)],
    ]);
    const { rowsAt, agreements, disagreements } = await compare(low, {
      commands,
      date: "",
      repeats: 1,
      budget: 100,
      tell: () => undefined,
    });
    assert.deepEqual([...new Set(rowsAt(rates).map(({ work }) => work.split(",")[0]))], ["a work"]);
    assert.equal(agreements.length, 1);
    assert.match(disagreements[0]!.message, /in bfloat16, against PyTorch: logits, relative L2/);
  });

  test("without its peer is one row of this project's own", async () => {
    const { rows } = await compared(logits, { ours: { array: [1], seconds: [1, 2] } });
    const { ours, theirs, peer, ratio, reached } = rows[0]!;
    assert.deepEqual(
      { ours, theirs, peer, ratio, reached },
      { ours: 2, theirs: null, peer: null, ratio: null, reached: undefined },
    );
  });

  test("tells which side ended and what it said last", async () => {
    const run = compared(logits, { ours: { array: [1], seconds: [1, 1] }, theirs: { array: [1], seconds: [1] } });
    await assert.rejects(run, /process of PyTorch.*out of memory/s);
  });

  test("when it is interrupted keeps the whole rounds before", async () => {
    const stop = new AbortController();
    const many = Array.from({ length: 20 }, () => 1);
    const tell = (line: string) => {
      if (/turn 2 of/.test(line)) setTimeout(() => stop.abort(), 50);
    };
    const { rows } = await compared(
      logits,
      { ours: { array: [1], seconds: many }, theirs: { array: [1], seconds: many, silentFrom: 3 } },
      { repeats: 3, signal: stop.signal, tell },
    );
    assert.equal(rows[0]!.n, 2);
  });
});

test("turns: more of what is short, fewer of what is long, one at least", () => {
  const patience = { repeats: 3, budget: 240 };
  assert.equal(plannedTurns(0.01, patience), 15);
  assert.equal(plannedTurns(2, patience), 7);
  assert.equal(plannedTurns(30, patience), 3);
  assert.equal(plannedTurns(100, patience), 2);
  assert.equal(plannedTurns(1000, patience), 1);
  assert.equal(plannedTurns(0.01, { repeats: 1, budget: 240 }), 1);
  assert.equal(plannedTurns(0.01, { repeats: 20, budget: 240 }), 20);
});
