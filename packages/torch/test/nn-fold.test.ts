import assert from "node:assert/strict";
import { test } from "node:test";
import { nn, randn, scope, type Tensor, withObserver } from "@adsam/torch";

/** A norm that has seen something: no statistic and no weight is 0 or 1. */
function seasoned(channels: number, affine: boolean): nn.BatchNorm2d {
  const norm = new nn.BatchNorm2d(channels, { frozen: true, affine });
  norm.runningMean.setData(randn([channels]));
  norm.runningVar.setData(randn([channels]).abs().add(0.3));
  norm.weight?.setData(randn([channels]));
  norm.bias?.setData(randn([channels]));
  return norm;
}

function close(actual: Tensor, expected: Tensor, what: string): void {
  const largest = expected.abs().max().item();
  const difference = actual.sub(expected).abs().max().item();
  assert.ok(difference <= 2e-5 * Math.max(1, largest), `${what}: ${difference} beside ${largest}`);
}

const extents = {
  kernelSize: { height: 3, width: 2 },
  stride: { height: 2, width: 1 },
  padding: { height: 1, width: 0 },
};

for (const { bias, affine, groups } of [
  { bias: false, affine: true, groups: 1 },
  { bias: true, affine: true, groups: 3 },
  { bias: true, affine: false, groups: 1 },
])
  test(`a folded norm is the norm behind the convolution: bias ${bias}, affine ${affine}, ${groups} groups`, () =>
    scope(() => {
      const conv = new nn.Conv2d(6, 9, { ...extents, groups, bias });
      const norm = seasoned(9, affine);
      const x = randn([2, 6, 7, 5]).requiresGrad_();
      const weights = randn([2, 9, 4, 4]);
      const trained = [x, conv.weight, conv.bias, norm.weight, norm.bias].filter((one) => one !== undefined);
      const results = [norm.call(conv.call(x)), nn.foldedConv2d(x, conv, norm)].map((y) => {
        for (const one of trained) one.grad = undefined;
        y.mul(weights).sum().backward();
        return { y, gradients: trained.map((one) => one.grad!.clone()) };
      });
      close(results[1]!.y, results[0]!.y, "values");
      for (const [i, gradient] of results[1]!.gradients.entries())
        close(gradient, results[0]!.gradients[i]!, `gradient ${i} of ${trained.length}`);
    }));

test("a folded norm costs no pass over the map", () =>
  scope(() => {
    const seen: string[] = [];
    const [conv, norm] = [new nn.Conv2d(2, 3, { kernelSize: 1, bias: false }), seasoned(3, true)];
    const x = randn([1, 2, 8, 8]);
    withObserver(
      (name, args) => {
        if (args.some((arg) => (arg as Tensor | undefined)?.shape?.join() === x.shape.join())) seen.push(name);
      },
      () => nn.foldedConv2d(x, conv, norm),
    );
    assert.deepEqual(seen, ["aten::conv2d"]);
  }));
