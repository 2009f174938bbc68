import assert from "node:assert/strict";
import { test } from "node:test";
import { nn, ones, Tensor, zeros } from "@adsam/torch";
import { assertClose, fillModule, fillValues, fnv1a, goldenInput, labelMap, u } from "./golden.js";

const near = (found: number, expected: number, tol = 1e-8) =>
  assert.ok(Math.abs(found - expected) <= tol, `${found} is not ${expected}`);

test("the formula gives the published check values", () => {
  assert.equal(fnv1a("conv1.weight"), 0xbdcec494);
  assert.deepEqual(
    [0, 1, 2].map((i) => u("conv1.weight", i)),
    [0.9544188405852765, 0.5293272715061903, 0.23799635842442513],
  );
  const conv = fillValues("conv1.weight", [64, 3, 7, 7]);
  near(conv[0]!, 0.12983395);
  near(conv[1]!, 0.00837922);
  near(conv[2]!, -0.07485818);
  near(Math.hypot(...conv), 7.998747, 1e-6);
  const norm = fillValues("bn1.weight", [64]);
  near(norm[0]!, 0.9213776, 1e-7);
  near(norm[1]!, 0.97243756);
  const input = goldenInput("image", { shape: [1, 3, 2, 2], lo: -2, hi: 2 }).toNumbers();
  near(input[0]!, 0.04784747);
  near(input[1]!, -0.74788481);
  const labels = labelMap(
    { label: "target", block: 16, classes: 20, ignore: 19 },
    { batch: 1, height: 32, width: 32 },
  ).toNumbers();
  assert.deepEqual([labels[0], labels[31], labels[31 * 32], labels[1023]], [1, 2, 12, 18]);
});

class Conv extends nn.Module {
  weight = nn.parameter(zeros([64, 3, 7, 7]));
  forward(x: Tensor): Tensor {
    return x.conv2d(this.weight);
  }
}

class Norm extends nn.Module {
  weight = nn.parameter(zeros([64]));
  bias = nn.parameter(zeros([64]));
  runningMean = nn.buffer(zeros([64]));
  runningVar = nn.buffer(zeros([64]));
  numBatchesTracked = nn.buffer(zeros([], { dtype: "int64" }));
  forward(x: Tensor): Tensor {
    return x.batchNorm(this.weight, this.bias, this.runningMean, this.runningVar, false, 0.1, 1e-5, false);
  }
}

class Pair extends nn.Module {
  conv1 = new Conv();
  bn1 = new Norm();
  forward(x: Tensor): Tensor {
    return this.bn1.call(this.conv1.call(x));
  }
}

test("a module is filled by state-dict name, buffers included", () => {
  using module = fillModule(new Pair());
  const state = module.stateDict();
  near(state.get("conv1.weight")!.toNumbers()[2]!, -0.07485818);
  near(state.get("bn1.weight")!.toNumbers()[1]!, 0.97243756);
  near(state.get("bn1.running_var")!.toNumbers()[3]!, 0.75 + 0.5 * u("bn1.running_var", 3), 1e-7);
  assert.equal(state.get("bn1.num_batches_tracked")!.item(), 0);
  near(state.get("bn1.running_mean")!.toNumbers()[3]!, 0.2 * u("bn1.running_mean", 3) - 0.1, 1e-7);
  fillModule(module, { prefix: "resnet_encoder.", rename: (name) => (name.endsWith("bias") ? undefined : name) });
  near(state.get("bn1.weight")!.toNumbers()[1]!, 0.9 + 0.2 * u("resnet_encoder.bn1.weight", 1), 1e-7);
  near(state.get("bn1.bias")!.toNumbers()[1]!, 0.2 * u("bn1.bias", 1) - 0.1, 1e-7);
});

test("the comparison fails where it should", () => {
  const golden = { shape: [2, 2], mean: 1, std: 0, absmax: 1, samples: [[3, 1]] as [number, number][] };
  assertClose(ones([2, 2]), golden);
  assert.throws(() => assertClose(ones([4]), golden), /shape/);
  assert.throws(() => assertClose(zeros([2, 2]), golden), /element 3 is 0, expected 1/);
  assert.throws(
    () =>
      assertClose(
        Tensor.of([
          [1, 1.1],
          [0.9, 1],
        ]),
        golden,
      ),
    /std is/,
  );
  assert.throws(
    () =>
      assertClose(
        Tensor.of([
          [1, Number.NaN],
          [1, Number.NaN],
        ]),
        golden,
      ),
    /element 3 is NaN/,
  );
});
