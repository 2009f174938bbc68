import assert from "node:assert/strict";
import { test } from "node:test";
import { liveTensors, nn, optim, scope, Tensor } from "../src/index.js";
import { assertClose, fromGolden, type GoldenTensor, readGolden } from "./golden.js";

const golden = readGolden<{
  start: GoldenTensor[];
  gradients: (GoldenTensor | null)[][];
  clips: Record<string, { total: GoldenTensor; gradients: GoldenTensor[] }>;
}>("optim.json");

/** The parameters of the golden file with the gradients of its second step. */
function withGradients(): Tensor[] {
  return golden.start.map((one, i) => {
    const param = nn.parameter(fromGolden(one));
    param.grad = fromGolden(golden.gradients[1]![i]!);
    return param;
  });
}

const clips: Record<string, [number, number]> = {
  "2, far above": [2, 0.5],
  "2, below": [2, 100],
  "1": [1, 3],
  inf: [Number.POSITIVE_INFINITY, 0.25],
};

for (const [name, { total, gradients }] of Object.entries(golden.clips))
  test(`clipGradNorm_ with norm ${name}: PyTorch's`, () => {
    scope(() => {
      const [normType, maxNorm] = clips[name]!;
      const params = withGradients();
      assertClose(optim.clipGradNorm_(params, maxNorm, { normType }), total, "norm");
      for (const [i, param] of params.entries()) assertClose(param.grad!, gradients[i]!, `gradient ${i}`, 2e-7);
      for (const param of params) param.dispose();
    });
  });

test("clipGradNorm_ without gradients is 0, and a norm that is not finite can be an error", () => {
  scope(() => {
    const param = nn.parameter(Tensor.of([1, 2]));
    assert.equal(optim.clipGradNorm_([param], 1).item(), 0);
    param.grad = Tensor.of([1, Number.POSITIVE_INFINITY]);
    assert.throws(() => optim.clipGradNorm_([param], 1, { errorIfNonfinite: true }), {
      name: "Problem",
      message: /^clipGradNorm_: found a gradient norm of Infinity, expected a finite one/,
    });
    assert.deepEqual(param.grad!.toNested(), [1, Number.POSITIVE_INFINITY]);
    param.dispose();
  });
});

test("clipGradValue_ bounds every element", () => {
  scope(() => {
    const param = nn.parameter(Tensor.of([1, 2, 3]));
    param.grad = Tensor.of([-5, 0.25, 5]);
    optim.clipGradValue_([param], 0.5);
    assert.deepEqual(param.grad!.toNested(), [-0.5, 0.25, 0.5]);
    param.dispose();
  });
});

test("scaled, unscaled and stepped is stepped", () => {
  scope(() => {
    const [plain, scaled] = [nn.parameter(Tensor.of([1, 2, 3])), nn.parameter(Tensor.of([1, 2, 3]))] as [
      Tensor,
      Tensor,
    ];
    using a = new optim.AdamW([plain], { lr: 0.1 });
    using b = new optim.AdamW([scaled], { lr: 0.1 });
    const scaler = new optim.GradScaler({ initScale: 1024 });
    for (let i = 0; i < 3; i++) {
      a.zeroGrad();
      b.zeroGrad();
      plain.square().sum().backward();
      scaler.scale(scaled.square().sum()).backward();
      a.step();
      scaler.unscale_(b);
      assert.ok(scaled.grad!.equal(plain.grad!));
      assert.equal(scaler.step(b), true);
      scaler.update();
    }
    assert.ok(plain.equal(scaled));
    for (const param of [plain, scaled]) param.dispose();
  });
});

for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
  test(`a gradient of ${bad} leaves the step out and halves the scale`, () => {
    scope(() => {
      const params = [nn.parameter(Tensor.of([1, 2])), nn.parameter(Tensor.of([3]))];
      using optimizer = new optim.AdamW(params);
      const scaler = new optim.GradScaler({ initScale: 8, growthInterval: 2 });
      const factors: number[] = [];
      for (const value of [1e30, bad, 1, 1, 1]) {
        params[0]!.grad = Tensor.of([1, value]);
        params[1]!.grad = Tensor.of([1]);
        const before = params.map((param) => param.detach().clone());
        const stepped = scaler.step(optimizer);
        assert.equal(stepped, Number.isFinite(value));
        assert.equal(params[1]!.equal(before[1]!), !stepped);
        scaler.update();
        factors.push(scaler.scaleFactor);
      }
      // The overflow also resets the count towards growth: 8 → 4, then two good steps → 8.
      assert.deepEqual(factors, [8, 4, 4, 8, 8]);
      for (const param of params) param.dispose();
    });
  });

test("the scaler's state resumes it, by PyTorch's names", () => {
  const first = new optim.GradScaler({ initScale: 8, growthInterval: 3 });
  const param = nn.parameter(Tensor.of([1]));
  using optimizer = new optim.SGD([param]);
  for (let i = 0; i < 2; i++) {
    first.step(optimizer);
    first.update();
  }
  const state = first.stateDict();
  assert.deepEqual(state, {
    scale: 8,
    growth_factor: 2,
    backoff_factor: 0.5,
    growth_interval: 3,
    _growth_tracker: 2,
  });
  const second = new optim.GradScaler();
  second.loadStateDict(new Map(Object.entries(state)));
  second.step(optimizer);
  second.update();
  assert.equal(second.scaleFactor, 16);
  param.dispose();
});

test("a scaler that is not enabled changes nothing; misuse is named", () => {
  const param = nn.parameter(Tensor.of([1]));
  using optimizer = new optim.SGD([param], { lr: 1 });
  const off = new optim.GradScaler({ enabled: false });
  assert.equal(off.scale(param), param);
  param.grad = Tensor.of([Number.NaN]);
  assert.equal(off.step(optimizer), true);
  off.update();
  assert.deepEqual(off.stateDict(), {});
  const on = new optim.GradScaler();
  assert.throws(() => on.update(), /GradScaler.update: found no step since the last, expected step\(\) before it/);
  on.unscale_(optimizer);
  assert.throws(() => on.unscale_(optimizer), /a second call for one optimiser since update\(\)/);
  param.dispose();
});

test("a whole training step leaves the count of live tensors as it was", () => {
  using net = new nn.Sequential(new nn.Conv2d(3, 4, { kernelSize: 3 }), new nn.BatchNorm2d(4), new nn.GELU());
  using optimizer = new optim.AdamW(net.parameters());
  const scaler = new optim.GradScaler({ initScale: 16 });
  const step = () =>
    scope(() => {
      const x = Tensor.from(new Float32Array(3 * 3 * 5 * 7).fill(0.5), [3, 3, 5, 7]);
      optimizer.zeroGrad();
      scaler.scale(net.call(x).square().mean()).backward();
      scaler.unscale_(optimizer);
      optim.clipGradNorm_(net.parameters(), 0.1);
      scaler.step(optimizer);
      scaler.update();
    });
  step();
  const before = liveTensors();
  for (let i = 0; i < 5; i++) step();
  assert.deepEqual(liveTensors(), before);
});
