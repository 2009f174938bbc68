import assert from "node:assert/strict";
import { test } from "node:test";
import { arange, empty, nn, ones, randn, scope, Tensor as T, type Tensor, withDevice, zeros } from "@adsam/torch";

test("withDevice: where nobody names a device", () => {
  withDevice("meta", () => {
    assert.deepEqual(
      [zeros([2, 3]), empty([0]), arange(4), T.of([[1, 2]])].map(({ device }) => device),
      ["meta", "meta", "meta", "meta"],
    );
    assert.equal(zeros([2], { device: "cpu" }).device, "cpu");
    assert.equal(T.of([1], { device: "cpu" }).device, "cpu");
    assert.equal(T.from(Float32Array.of(1), [1]).device, "cpu"); // a copy of memory that is there
    withDevice("cpu", () => assert.equal(ones([1]).device, "cpu"));
    assert.equal(randn([1]).device, "meta");
  });
  assert.equal(zeros([1]).device, "cpu");
});

test("withDevice travels with the async context and no farther", async () => {
  const inside = withDevice("meta", async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return zeros([1]).device;
  });
  assert.equal(zeros([1]).device, "cpu");
  assert.equal(await inside, "meta");
});

test("operators without data give the shapes and dtypes of those with", () => {
  const operators: Record<string, (map: Tensor) => Tensor> = {
    "conv2d, strided, dilated, in groups": (x) =>
      new nn.Conv2d(6, 4, {
        kernelSize: { height: 3, width: 5 },
        stride: { height: 2, width: 1 },
        padding: { height: 0, width: 3 },
        dilation: { height: 1, width: 2 },
        groups: 2,
      }).call(x),
    conv_transpose2d: (x) =>
      new nn.ConvTranspose2d(6, 4, {
        kernelSize: { height: 3, width: 2 },
        stride: { height: 2, width: 3 },
        padding: { height: 1, width: 0 },
        outputPadding: { height: 1, width: 0 },
        groups: 2,
      }).call(x),
    "batch_norm, training": (x) => new nn.BatchNorm2d(6).call(x),
    "batch_norm, frozen": (x) => new nn.BatchNorm2d(6, { frozen: true }).call(x),
    layer_norm: (x) => new nn.LayerNorm([5, 8]).call(x),
    layer_norm2d: (x) => new nn.LayerNorm2d(6).call(x),
    group_norm: (x) => new nn.GroupNorm(3, 6).call(x),
    relu: (x) => x.relu(),
    index_select: (x) => x.indexSelect(-3, arange(4, { dtype: "int64" })),
    bilinear: (x) => nn.functional.interpolate(x, { size: { height: 7, width: 3 }, mode: "bilinear" }),
  };
  for (const [name, operator] of Object.entries(operators)) {
    const run = (device: "cpu" | "meta") =>
      scope(() =>
        withDevice(device, () => {
          const result = operator(ones([2, 6, 5, 8]));
          assert.equal(result.device, device, name);
          return { shape: result.shape, dtype: result.dtype };
        }),
      );
    assert.deepEqual(run("meta"), run("cpu"), name);
  }
});

test("a layer of 40 GB is built on meta, initialised and run", () => {
  const before = process.memoryUsage().rss;
  scope(() =>
    withDevice("meta", () => {
      using layer = new nn.Linear(100_000, 100_000);
      assert.deepEqual(layer.call(empty([3, 100_000])).shape, [3, 100_000]);
    }),
  );
  assert.ok(process.memoryUsage().rss - before < 200e6);
});
