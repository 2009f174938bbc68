import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { autocast, nn, randn, scope } from "../src/index.js";

const bfloat16 = { device: "cpu", dtype: "bfloat16" } as const;

test("products and convolutions run in bfloat16, losses in float32, the rest in what it is given", () => {
  scope(() => {
    const [a, b] = [randn([3, 4]), randn([4, 5])];
    const dtypes = autocast(bfloat16, () => ({
      product: a.matmul(b).dtype,
      linear: a.linear(randn([2, 4])).dtype,
      convolution: randn([3, 4, 5, 7]).conv2d(randn([6, 4, 3, 3])).dtype,
      sum: a.add(1).dtype,
      loss: a.matmul(b).mseLoss(randn([3, 5])).dtype,
    }));
    assert.deepEqual(dtypes, {
      product: "bfloat16",
      linear: "bfloat16",
      convolution: "bfloat16",
      sum: "float32",
      loss: "float32",
    });
    assert.equal(a.matmul(b).dtype, "float32");
  });
});

test("float32 turns it off inside, and gradients of float32 parameters are float32", () => {
  scope(() => {
    using layer = new nn.Linear(4, 3);
    autocast(bfloat16, () => {
      const x = randn([2, 4]);
      assert.equal(
        autocast({ device: "cpu", dtype: "float32" }, () => layer.call(x).dtype),
        "float32",
      );
      const y = layer.call(x);
      assert.equal(y.dtype, "bfloat16");
      y.sum().backward();
    });
    assert.equal(layer.weight.grad!.dtype, "float32");
  });
});

test("a weight that changed between two regions is cast anew", () => {
  scope(() => {
    using layer = new nn.Linear(1, 1, { bias: false });
    const one = randn([1, 1]).fill_(1);
    const value = () => autocast(bfloat16, () => layer.call(one).item());
    nn.init.constant_(layer.weight, 2);
    assert.equal(value(), 2);
    nn.init.constant_(layer.weight, 3);
    assert.equal(value(), 3);
  });
});

test("each async context has its own", async () => {
  await scope(async () => {
    const product = async (pause: number) => {
      await wait(pause);
      return randn([2, 3]).matmul(randn([3, 2])).dtype;
    };
    assert.deepEqual(await Promise.all([autocast(bfloat16, () => product(6)), product(3), product(9)]), [
      "bfloat16",
      "float32",
      "float32",
    ]);
  });
});

test("an error inside leaves it off", () => {
  scope(() => {
    assert.throws(() =>
      autocast(bfloat16, () => {
        throw new Error("inside");
      }),
    );
    assert.equal(randn([2, 3]).matmul(randn([3, 2])).dtype, "float32");
  });
});

test("norms of 16-bit maps are computed in their weights' float32, forward and backward", () => {
  scope(() => {
    const norms = {
      layer: new nn.LayerNorm(6),
      layer2d: new nn.LayerNorm2d(4),
      group: new nn.GroupNorm(2, 4),
      batch: new nn.BatchNorm2d(4),
    };
    for (const [name, norm] of Object.entries(norms)) {
      const x = randn([3, 4, 5, 6]).to({ dtype: "bfloat16" });
      const wide = norm.call(x.to({ dtype: "float32" }));
      const y = autocast(bfloat16, () => norm.call(x));
      const off = y.to({ dtype: "float32" }).sub(wide).abs().max().item();
      assert.ok(off < 0.02, `${name}: off by ${off}`);
      y.sum().backward();
      assert.equal(norm.weight!.grad!.dtype, "float32");
      norm[Symbol.dispose]();
    }
  });
});
