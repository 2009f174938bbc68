import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { keep, liveTensors, ones, scope, type Tensor } from "../src/index.js";

const live = () => liveTensors().count;

test("a scope frees what it made, but for what it returns, however deep it stands", () => {
  const before = live();
  const kept = scope(() => {
    const [a, b, c, lost] = [ones([1]), ones([2]), ones([3]), ones([4])] as [Tensor, Tensor, Tensor, Tensor];
    assert.equal(live(), before + 4);
    return { list: [a], map: new Map([["b", b]]), owner: { tensors: () => [c] }, shape: lost.shape };
  });
  assert.equal(live(), before + 3);
  assert.deepEqual(kept.shape, [4]);
  for (const tensor of [kept.list[0]!, kept.map.get("b")!, ...kept.owner.tensors()]) tensor.dispose();
  assert.equal(live(), before);
});

test("what an inner scope returns belongs to the outer one", () => {
  const before = live();
  scope(() => {
    const inner = scope(() => ones([2]).add(ones([2])));
    assert.equal(live(), before + 1);
    assert.deepEqual(inner.toNested(), [2, 2]);
  });
  assert.equal(live(), before);
});

test("keep takes a tensor out of every scope", () => {
  const before = live();
  const holder: Tensor[] = [];
  scope(() => scope(() => holder.push(keep(ones([2])))) && undefined);
  assert.equal(live(), before + 1);
  holder[0]!.dispose();
  assert.equal(live(), before);
});

test("an error frees everything and keeps its identity", async () => {
  const before = live();
  const error = new Error("mine");
  assert.throws(
    () =>
      scope(() => {
        ones([2]);
        throw error;
      }),
    (thrown) => thrown === error,
  );
  assert.equal(live(), before);
  await assert.rejects(
    scope(async () => {
      ones([2]);
      await wait(1);
      ones([3]);
      throw error;
    }),
    (thrown) => thrown === error,
  );
  assert.equal(live(), before);
});

test("using frees at the end of the block", () => {
  const before = live();
  {
    using x = ones([2]);
    using y = x.add(1);
    assert.deepEqual(y.toNested(), [2, 2]);
    assert.equal(live(), before + 2);
  }
  assert.equal(live(), before);
});

test("an async scope lasts until its promise settles, and two at once do not free each other's tensors", async () => {
  const before = live();
  const request = async (value: number, pause: number) =>
    scope(async () => {
      const x = ones([3]).mul(value);
      await wait(pause);
      const y = x.add(1);
      await wait(pause);
      return [...y.add(x).toNumbers()];
    });
  const results = await Promise.all([request(1, 12), request(2, 3), request(3, 7)]);
  assert.deepEqual(
    results,
    [3, 5, 7].map((value) => [value, value, value]),
  );
  assert.equal(live(), before);
});

test("a scope inside an async scope frees only its own", async () => {
  const before = live();
  await scope(async () => {
    const outer = ones([2]);
    await wait(1);
    scope(() => outer.add(1).item === undefined);
    assert.equal(live(), before + 1);
    assert.deepEqual(outer.toNested(), [1, 1]);
  });
  assert.equal(live(), before);
});

test("a tensor made after its scope ended is not freed under its maker's hands", async () => {
  let late: Promise<Tensor> | undefined;
  scope(() => {
    late = wait(2).then(() => ones([2]).add(1));
  });
  const tensor = await late!;
  assert.deepEqual(tensor.toNested(), [2, 2]);
  tensor.dispose();
});

test("live tensors are counted with the bytes of their storages, views without", () => {
  const before = liveTensors();
  scope(() => {
    const x = ones([256], { dtype: "float32" });
    x.view([16, 16]);
    assert.equal(liveTensors().count, before.count + 2);
    assert.equal(liveTensors().bytes, before.bytes + 1024);
  });
  assert.deepEqual(liveTensors(), before);
});

test("a disposed tensor may be returned from a scope", () => {
  const before = live();
  scope(() => {
    const x = ones([2]);
    x.dispose();
    return x;
  });
  assert.equal(live(), before);
});

const index = new URL("../src/index.js", import.meta.url).href;

/** What a module prints in a process of its own, as JSON. */
function inProcess(flags: string[], code: string): Record<string, number> {
  const text = `import { empty, liveTensors, ones, scope } from "${index}";
    import { setTimeout as wait, setImmediate as turn } from "node:timers/promises"; ${code}`;
  const args = [...flags, "--input-type=module", "-e", text];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Record<string, number>;
}

test("tensors nobody frees are freed by the garbage collector, also those made after their scope", () => {
  const { most, left } = inProcess(
    ["--expose-gc"],
    `for (let i = 0; i < 8; i++) ones([100]);
    scope(() => { setTimeout(() => ones([100]), 1); });
    await wait(20);
    const most = liveTensors().count;
    for (let i = 0; i < 10 && liveTensors().count > 0; i++) { globalThis.gc(); await wait(5); }
    console.log(JSON.stringify({ most, left: liveTensors().count }));`,
  );
  assert.deepEqual([most, left], [9, 0]);
});

test("their bytes weigh on the garbage collector, so that it comes in time", () => {
  const megabytes = 1 << 20;
  const { most } = inProcess(
    [],
    `let most = 0;
    for (let i = 0; i < 300; i++) {
      empty([64 << 20], { dtype: "uint8" });
      most = Math.max(most, liveTensors().bytes);
      await turn();
    }
    console.log(JSON.stringify({ most }));`,
  );
  // When the collector comes is its own affair, later beside other programs; that it comes is ours.
  assert.ok(most! < 9600 * megabytes, `${most! / megabytes} of 19200 MB were alive at once`);
});
