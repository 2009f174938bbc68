import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { full, keep, liveTensors, nn, optim, randn, scope, Tensor, zeros } from "../src/index.js";

type Matrix = number[][];

const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => transposed(b).map((column) => row.reduce((sum, value, k) => sum + value * column[k]!, 0)));
const each = (a: Matrix, b: Matrix, f: (x: number, y: number) => number): Matrix =>
  a.map((row, i) => row.map((x, j) => f(x, b[i]![j]!)));

/** Jordan's iteration on plain numbers, from the formula: X ← 3.4445·X − 4.775·XXᵀX + 2.0315·(XXᵀ)²X. */
function newtonSchulz(matrix: Matrix): Matrix {
  const norm = Math.hypot(...matrix.flat());
  let x = matrix.map((row) => row.map((value) => value / norm));
  for (let i = 0; i < 5; i++) {
    const cubic = times(times(x, transposed(x)), x);
    const quintic = times(times(x, transposed(x)), cubic);
    x = each(
      each(x, cubic, (a, b) => 3.4445 * a - 4.775 * b),
      quintic,
      (a, b) => a + 2.0315 * b,
    );
  }
  return x;
}

function matrixOf(tensor: Tensor): Matrix {
  const values = [...tensor.toArray()].map(Number);
  const columns = values.length / tensor.size(0);
  return Array.from({ length: tensor.size(0) }, (_, row) => values.slice(row * columns, (row + 1) * columns));
}

function assertNear(actual: Matrix, expected: Matrix, tolerance: number, what: string): void {
  const worst = Math.max(...each(actual, expected, (a, b) => Math.abs(a - b)).flat());
  assert.ok(worst < tolerance, `${what}: off by ${worst}`);
}

const matrices = (params: Tensor[], options: object = {}) =>
  new optim.Muon([{ params, matrices: true }], { lr: 0.1, weightDecay: 0.2, ...options });

describe("Muon", () => {
  for (const [name, shape] of Object.entries({ wide: [3, 5], tall: [6, 4], "of a convolution": [4, 2, 3, 3] }))
    test(`moves a matrix ${name} as its formula says, step after step`, () =>
      scope(() => {
        const param = nn.parameter(randn(shape));
        using optimizer = matrices([param]);
        let expected = matrixOf(param);
        let buffer: Matrix = expected.map((row) => row.map(() => 0));
        for (let step = 0; step < 4; step++) {
          param.grad = randn(shape);
          const grad = matrixOf(param.grad);
          optimizer.step();
          buffer = each(buffer, grad, (m, g) => 0.95 * m + 0.05 * g);
          const direction = newtonSchulz(each(grad, buffer, (g, m) => 0.05 * g + 0.95 * m));
          const rate = 0.1 * Math.sqrt(Math.max(1, expected.length / expected[0]!.length));
          expected = each(expected, direction, (w, d) => (1 - 0.1 * 0.2) * w - rate * d);
          assertNear(matrixOf(param), expected, 1e-4, `step ${step}`);
        }
        param.dispose();
      }));

  test("moves every direction of a matrix about equally far", () =>
    scope(() => {
      const param = nn.parameter(zeros([8, 24]));
      using optimizer = matrices([param], { lr: 1 });
      const steep = randn([8, 1])
        .mul(randn([1, 24]))
        .mul(50); // one direction stands out by far
      param.grad = steep.add(randn([8, 24]));
      optimizer.step();
      const moved = matrixOf(param);
      for (let i = 0; i < 100; i++) {
        const [direction] = transposed(matrixOf(randn([8, 1]))) as [number[]];
        const [along] = times([direction], moved) as [number[]];
        const gain = Math.hypot(...along) / Math.hypot(...direction); // between the least and the largest singular value
        assert.ok(gain > 0.6 && gain < 1.3, `${gain}`);
      }
      param.dispose();
    }));

  test("leaves the other groups to AdamW, to the bit", () =>
    scope(() => {
      const start = randn([4, 3]);
      const [ours, theirs] = [nn.parameter(start.clone()), nn.parameter(start.clone())];
      const options = { lr: 0.1, weightDecay: 0.3, betas: [0.8, 0.95] as const, eps: 1e-3 };
      using muon = new optim.Muon([ours], options);
      using adamW = new optim.AdamW([theirs], options);
      for (let step = 0; step < 3; step++) {
        const grad = randn([4, 3]);
        for (const param of [ours, theirs]) param.grad = grad.clone();
        muon.step();
        adamW.step();
      }
      assert.deepEqual(ours.toArray(), theirs.toArray());
      ours.dispose();
      theirs.dispose();
    }));

  test("stopped and resumed, it ends with the same bits; its state has PyTorch's names", () =>
    scope(() => {
      const groupsOf = ([a, b]: readonly Tensor[]) => [
        { params: [a!], matrices: true, lr: 0.02 },
        { params: [b!], lr: 0.001 },
      ];
      const params = [nn.parameter(randn([4, 6])), nn.parameter(randn([4]))];
      const gradients = Array.from({ length: 6 }, () => [randn([4, 6]), randn([4])]);
      const run = (optimizer: optim.Muon, members: readonly Tensor[], from: number, to: number) => {
        for (const grads of gradients.slice(from, to)) {
          for (const [i, param] of members.entries()) param.grad = grads[i]!.clone();
          optimizer.step();
        }
      };
      using first = new optim.Muon(groupsOf(params), { weightDecay: 0.1 });
      run(first, params, 0, 3);
      const copies = params.map((param) => nn.parameter(param.detach().clone()));
      using second = new optim.Muon(groupsOf(copies), { weightDecay: 0.1 });
      for (const group of second.groups) [group.lr, group.momentum, group.weightDecay] = [99, 0, 99];
      const saved = first.stateDict();
      assert.deepEqual(Object.keys(saved.state.get(0)!).sort(), ["momentum_buffer", "step"]);
      const { lr, momentum, nesterov, ns_steps, weight_decay } = saved.param_groups[0]!;
      assert.deepEqual([lr, momentum, nesterov, ns_steps, weight_decay], [0.02, 0.95, true, 5, 0.1]);
      second.loadStateDict(saved);
      run(first, params, 3, 6);
      run(second, copies, 3, 6);
      for (const [i, param] of params.entries()) assert.deepEqual(copies[i]!.toArray(), param.toArray());
      for (const param of [...params, ...copies]) param.dispose();
    }));

  test("a gradient of zeros moves nothing but by weight decay; a step leaves no tensor behind", () => {
    const param = keep(nn.parameter(randn([3, 4])));
    const before = liveTensors().count;
    scope(() => {
      using optimizer = matrices([param], { weightDecay: 0 });
      const start = param.toArray();
      param.grad = zeros([3, 4]);
      optimizer.step();
      assert.deepEqual(param.toArray(), start);
      param.grad = undefined;
    });
    assert.equal(liveTensors().count, before);
    param.dispose();
  });

  test("leaves a step out where a scalar of the device says so, without reading it", () =>
    scope(() => {
      /** As on a GPU. */
      class Unread extends optim.Muon {
        protected override looksItself(): boolean {
          return true;
        }
      }
      const start = randn([3, 4]);
      const gradients = [randn([3, 4]), full([3, 4], Number.NaN), randn([3, 4])];
      const params = [nn.parameter(start.clone()), nn.parameter(start.clone())];
      using unread = new Unread([{ params: [params[0]!], matrices: true }], { lr: 0.1 });
      using plain = matrices([params[1]!], { weightDecay: 0.01 });
      for (const [i, grad] of gradients.entries()) {
        params[0]!.grad = grad.clone();
        unread.step({ leaveOut: Tensor.of(i === 1 ? 1 : 0) });
        if (i === 1) continue;
        params[1]!.grad = grad.clone();
        plain.step();
      }
      assert.deepEqual(params[0]!.toArray(), params[1]!.toArray());
      for (const param of params) param.dispose();
    }));

  test("refuses a vector among matrices, naming it", () =>
    scope(() => {
      const params = [nn.parameter(randn([3, 4])), nn.parameter(randn([4]))];
      assert.throws(() => new optim.Muon([{ params, matrices: true, name: "decoder" }]), {
        message:
          "Muon: parameter 1 of group decoder: found shape [4], expected a matrix or a convolution's weights in a group of matrices. Put it into a group without `matrices`.",
      });
      for (const param of params) param.dispose();
    }));
});
