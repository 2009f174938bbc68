import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Problem } from "@adsam/torch/problem";
import { InlinePool, ThreadPool } from "../src/data/worker-pool.js";
import type { Echo, EchoJob } from "./loader-echo-worker.js";

const script = new URL("./loader-echo-worker.js", import.meta.url);
const open = (count: number): ThreadPool<EchoJob, Echo> => new ThreadPool(script, null, count);

describe("a pool of threads", () => {
  test("answers each job, on all threads, with buffers handed over", async () => {
    const pool = open(2);
    const results = await Promise.all([1, 2, 3, 4].map((value) => pool.run({ value, wait: 5 }).result));
    assert.deepEqual(
      results.map(({ value, bytes, count }) => [value, bytes[0], count]),
      [
        [1, 1, 1],
        [2, 2, 1],
        [3, 3, 2],
        [4, 4, 2],
      ],
    );
    await pool.close();
  });

  test("a cancelled job that has not begun never does; one that has is dropped", async () => {
    const pool = open(1);
    const [begun, ...waiting] = [1, 2, 3].map((value) => pool.run({ value, wait: 60 }));
    await wait(150);
    for (const task of [begun!, ...waiting]) task.cancel();
    const next = await pool.run({ value: 4 }).result;
    assert.ok(next.count <= 4 && next.value === 4);
    const later = [5, 6, 7].map((value) => pool.run({ value, wait: 30 }));
    for (const task of later.slice(1)) task.cancel();
    await later[0]!.result;
    assert.equal((await pool.run({ value: 8 }).result).count, next.count + 2, "6 and 7 were never begun");
    await assert.rejects(later[1]!.result, /cancelled/);
    await pool.close();
  });

  test("a Problem arrives as a Problem, a defect as an error with the thread's stack; the thread lives on", async () => {
    const pool = open(1);
    await assert.rejects(pool.run({ value: 9, end: "problem" }).result, (error) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.message, "echo: found 9, expected less. Ask again.");
      assert.deepEqual(error.parts, { what: "echo", found: "9", expected: "less", todo: "Ask again." });
      return true;
    });
    await assert.rejects(pool.run({ value: 9, end: "defect" }).result, (error: Error) => {
      assert.ok(!(error instanceof Problem));
      assert.equal(error.message, "a defect");
      assert.match(error.stack!, /loader-echo-worker/);
      return true;
    });
    assert.equal((await pool.run({ value: 5 }).result).value, 5);
    await pool.close();
  });

  test("a thread that dies fails its jobs and those that follow, and hangs nobody", async () => {
    for (const [end, message] of [
      ["exit", /a worker thread ended early \(exit code 3\)/],
      ["throw later", /a worker thread failed: out of the blue/],
    ] as const) {
      const pool = open(2);
      const [dying, other] = [pool.run({ value: 1, end }), pool.run({ value: 2, wait: 4_000 })];
      await assert.rejects(dying.result, message);
      await assert.rejects(other.result, message);
      await assert.rejects(pool.run({ value: 3 }).result, message);
      await pool.close();
    }
  });

  test("closing fails what is under way, waits for the threads, and may be repeated", async () => {
    const pool = open(2);
    const tasks = [1, 2, 3].map((value) => pool.run({ value, wait: 20 }));
    await Promise.all([
      pool.close(),
      ...tasks.map((task) => assert.rejects(task.result, /loader: found it has been closed/)),
    ]);
    await pool.close();
  });

  test("a process that forgets to close ends all the same", () => {
    const program = `
      import { ThreadPool } from ${JSON.stringify(new URL("../src/data/worker-pool.js", import.meta.url).href)};
      const pool = new ThreadPool(new URL(${JSON.stringify(script.href)}), null, 2);
      console.log((await pool.run({ value: 7, wait: 50 }).result).value);
      pool.run({ value: 8, wait: 60000 }).cancel();`;
    const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { timeout: 20000 });
    assert.equal(status, 0);
    assert.equal(stdout.toString(), "7\n");
  });
});

test("without threads: one after the other, the cancelled left out, errors as they are", async () => {
  const begun: number[] = [];
  const pool = new InlinePool<EchoJob, number>(async ({ value, end }) => {
    begun.push(value);
    await wait(5);
    if (end) throw new TypeError("a defect");
    return { result: value };
  });
  const [first, second, third, last] = [1, 2, 3, 4].map((value) =>
    pool.run(value === 3 ? { value, end: "defect" } : { value }),
  );
  second!.cancel();
  assert.equal(await first!.result, 1);
  await assert.rejects(second!.result, /cancelled/);
  await assert.rejects(third!.result, TypeError);
  assert.equal(await last!.result, 4);
  assert.deepEqual(begun, [1, 3, 4]);
  await pool.close();
  await assert.rejects(pool.run({ value: 5 }).result, /loader: found it has been closed/);
});
