import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { callOperatorAsync, liveTensors, noGrad, randn, scope, Tensor } from "../src/index.js";

const start = (workerData: object) => new Worker(new URL("./threads-worker.js", import.meta.url), { workerData });
const index = new URL("../src/index.js", import.meta.url).href;

/** Runs a module in a process of its own; the worst that may happen there is the subject of these tests. */
function inProcess(code: string): { status: number | null; signal: string | null; stdout: string } {
  const text = `import * as T from "${index}"; ${code}`;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", text], {
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.equal(stderr, "");
  return { status, signal, stdout };
}

test("two workers and the main thread compute at once, each with the numbers of its seed", async () => {
  const before = liveTensors().count;
  const results = await Promise.all(
    [5, 5, 6].map(async (seed) => {
      const worker = start({ task: "compute", seed });
      const exit = once(worker, "exit");
      const [message] = await once(worker, "message");
      assert.deepEqual(await exit, [0]);
      return message as { total: number; live: number };
    }),
  );
  assert.equal(results[0]!.total, results[1]!.total);
  assert.notEqual(results[0]!.total, results[2]!.total);
  assert.deepEqual(
    results.map(({ live }) => live),
    [0, 0, 0],
  );
  assert.equal(liveTensors().count, before);
});

for (const task of ["endless", "queue"])
  test(`a worker is terminated in the midst of its work (${task}), several times, and the process lives`, async () => {
    for (let i = 0; i < 4; i++) {
      const worker = start({ task });
      await once(worker, "message");
      await wait(5 * i);
      assert.equal(await worker.terminate(), 1);
    }
    scope(() => assert.deepEqual(Tensor.of([1]).add(1).toNested(), [2]));
  });

test("a process exits in the midst of queued work, with its own code", () => {
  const queue = `
    const x = T.randn([500, 500]);
    const shared = T.Tensor.share(new Float32Array(250000), [500, 500]);
    for (let i = 0; i < 200; i++) void T.callOperatorAsync("aten::mm", "", [x, shared]);
    globalThis.kept = T.customFunction("f", { forward: (_, a) => a.mul(2), backward: (_, g) => g })(x.requiresGrad_());
  `;
  assert.deepEqual(inProcess(`${queue} process.exit(7);`), { status: 7, signal: null, stdout: "" });
  assert.deepEqual(inProcess(`${queue} setTimeout(() => process.exit(7), 20);`), {
    status: 7,
    signal: null,
    stdout: "",
  });
});

test("a process waits for its asynchronous operators, and ends by itself when they are done", () => {
  const { status, stdout } = inProcess(`
    const x = T.randn([300, 300]);
    void T.callOperatorAsync("aten::mm", "", [x, x]).then(() => console.log("done"));
  `);
  assert.deepEqual([status, stdout], [0, "done\n"]);
});

test("callOperatorAsync leaves the event loop free, in the order of the calls", async () => {
  await scope(async () => {
    const x = randn([700, 700]);
    const order: number[] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const y = (await callOperatorAsync("aten::mm", "", [x, x])) as Tensor;
        order.push(i);
        y.dispose();
      }),
    );
    clearInterval(timer);
    assert.ok(turns > 3, `the loop turned ${turns} times`);
    assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});

test("an asynchronous operator has its caller's scope and grad mode, and its errors name the shapes", async () => {
  const before = liveTensors().count;
  await scope(async () => {
    const [x, y] = [randn([3, 4]).requiresGrad_(), randn([5, 6])];
    const product = (await callOperatorAsync("aten::mul", "Tensor", [x, 2])) as Tensor;
    assert.equal(product.requiresGrad, true);
    const plain = (await noGrad(() => callOperatorAsync("aten::mul", "Tensor", [x, 2]))) as Tensor;
    assert.equal(plain.requiresGrad, false);
    await assert.rejects(callOperatorAsync("aten::mm", "", [x, y]), {
      message:
        /^aten::mm: mat1 and mat2 shapes cannot be multiplied .*\(self \[3, 4\] float32, mat2 \[5, 6\] float32\)$/,
    });
    product.sum().backward();
    assert.deepEqual(x.grad!.shape, [3, 4]);
  });
  assert.equal(liveTensors().count, before);
});
