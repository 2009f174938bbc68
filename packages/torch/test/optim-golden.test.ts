import assert from "node:assert/strict";
import { test } from "node:test";
import { keep, liveTensors, nn, optim, scope, type Tensor } from "../src/index.js";
import { assertClose, assertSame, fromGolden, type GoldenTensor, readGolden } from "./golden.js";

interface GoldenState {
  readonly state: Record<string, Record<string, GoldenTensor | null>>;
  readonly param_groups: readonly Record<string, unknown>[];
}

const golden = readGolden<{
  start: GoldenTensor[];
  gradients: (GoldenTensor | null)[][];
  optimisers: Record<string, { steps: GoldenTensor[][]; state: GoldenState }>;
}>("optim.json");

const groups = (params: Tensor[]) => [
  { params: params.slice(0, 1) },
  { params: params.slice(1), lr: 0.05, weightDecay: 0.3, name: "late" },
];

/** The optimisers of golden/make_optim.py. */
const optimisers: Record<string, (params: Tensor[]) => optim.AdamW | optim.SGD> = {
  AdamW: (params) => new optim.AdamW(groups(params), { lr: 0.1 }),
  "AdamW, amsgrad, other betas": (params) =>
    new optim.AdamW(groups(params), { lr: 0.1, betas: [0.8, 0.95], eps: 1e-3, weightDecay: 0, amsgrad: true }),
  SGD: (params) => new optim.SGD(groups(params), { lr: 0.1 }),
  "SGD, momentum": (params) => new optim.SGD(groups(params), { lr: 0.1, momentum: 0.9, weightDecay: 0.01 }),
  "SGD, dampening": (params) => new optim.SGD(groups(params), { lr: 0.1, momentum: 0.9, dampening: 0.4 }),
  "SGD, nesterov": (params) =>
    new optim.SGD(groups(params), { lr: 0.1, momentum: 0.8, weightDecay: 0.01, nesterov: true }),
};

const startParams = () => golden.start.map((one) => nn.parameter(fromGolden(one)));

/** Sets the gradients of one golden step. */
function setGradients(params: Tensor[], step: number): void {
  scope(() => {
    for (const [i, one] of golden.gradients[step]!.entries()) params[i]!.grad = one ? fromGolden(one) : undefined;
  });
}

test("every optimiser of the golden file is tested", () => {
  assert.deepEqual(Object.keys(optimisers), Object.keys(golden.optimisers));
});

for (const [name, make] of Object.entries(optimisers)) {
  const expected = golden.optimisers[name]!;

  test(`${name}: every step is PyTorch's, with two groups and a parameter that has a gradient every other step`, () => {
    scope(() => {
      const params = startParams();
      using optimizer = make(params);
      for (const [step, after] of expected.steps.entries()) {
        setGradients(params, step);
        optimizer.step();
        for (const [i, one] of after.entries()) assertClose(params[i]!, one, `parameter ${i} after step ${step}`, 2e-7);
      }
      for (const param of params) param.dispose();
    });
  });

  test(`${name}: the state has PyTorch's names, options and numbers`, () => {
    scope(() => {
      const params = startParams();
      using optimizer = make(params);
      for (let step = 0; step < golden.gradients.length; step++) {
        setGradients(params, step);
        optimizer.step();
      }
      const { state, param_groups } = optimizer.stateDict();
      assert.deepEqual([...state.keys()].map(String), Object.keys(expected.state.state));
      for (const [i, record] of state) {
        const theirs = Object.entries(expected.state.state[i]!).filter(([, value]) => value !== null);
        assert.deepEqual(Object.keys(record).sort(), theirs.map(([key]) => key).sort());
        for (const [key, value] of theirs) assertClose(record[key]!, value!, `${key} of parameter ${i}`, 2e-7);
      }
      for (const [i, theirs] of expected.state.param_groups.entries()) {
        const ours = param_groups[i] as Record<string, unknown>;
        for (const [key, value] of Object.entries(theirs))
          if (key !== "foreach") assert.deepEqual(ours[key], value, `${key} of group ${i}`);
      }
      for (const param of params) param.dispose();
    });
  });

  test(`${name}: PyTorch's state is read, and gives the next step that ours gives`, () => {
    scope(() => {
      const theirs: GoldenState = expected.state;
      const state = new Map(
        Object.entries(theirs.state).map(([i, record]) => [
          Number(i),
          new Map(Object.entries(record).map(([key, value]) => [key, value && fromGolden(value)])),
        ]),
      );
      const params = golden.start.map((_, i) => nn.parameter(fromGolden(expected.steps.at(-1)![i]!)));
      using loaded = name.startsWith("SGD") ? new optim.SGD(groups(params)) : new optim.AdamW(groups(params));
      loaded.loadStateDict(
        new Map<string, unknown>([
          ["state", state],
          ["param_groups", theirs.param_groups],
        ]),
      );
      const others = startParams();
      using own = make(others);
      for (let step = 0; step < golden.gradients.length; step++) {
        setGradients(others, step);
        own.step();
      }
      for (const [members, optimizer] of [
        [params, loaded],
        [others, own],
      ] as const) {
        setGradients(members, 1);
        optimizer.step();
      }
      for (const [i, param] of params.entries()) assertClose(param, others[i]!, `parameter ${i}`, 5e-7);
      for (const param of [...params, ...others]) param.dispose();
    });
  });

  test(`${name}: stopped after three steps and resumed, it ends with the same bits`, () => {
    scope(() => {
      const params = startParams();
      using first = make(params);
      for (let step = 0; step < 3; step++) {
        setGradients(params, step);
        first.step();
      }
      const copies = params.map((param) => nn.parameter(param.detach().clone()));
      using second = make(copies);
      for (const group of second.groups) group.lr = 99; // comes back with the state
      second.loadStateDict(first.stateDict());
      for (const [members, optimizer] of [
        [params, first],
        [copies, second],
      ] as const)
        for (let step = 3; step < 6; step++) {
          setGradients(members as Tensor[], step);
          optimizer.step();
        }
      for (const [i, param] of params.entries()) assertSame(copies[i]!, param, `parameter ${i}`);
      for (const param of [...params, ...copies]) param.dispose();
    });
  });

  test(`${name}: a step leaves no tensor behind, and dispose frees the state`, () => {
    const params = startParams();
    for (const param of params) keep(param);
    const none = liveTensors().count;
    const optimizer = make(params);
    setGradients(params, 1);
    optimizer.step();
    const before = liveTensors().count;
    for (let step = 2; step < 5; step++) {
      setGradients(params, step);
      optimizer.step();
      optimizer.zeroGrad();
    }
    assert.equal(liveTensors().count, before);
    assert.equal(params[0]!.grad, undefined);
    optimizer.dispose();
    assert.equal(liveTensors().count, none);
    for (const param of params) param.dispose();
  });
}
