import assert from "node:assert/strict";
import { test } from "node:test";
import { nn, optim, randn, scope, type Tensor } from "../src/index.js";

const parameterOf = (...shape: number[]) => nn.parameter(randn(shape));

test("no parameters, the same one twice and the result of an operator are refused", () => {
  scope(() => {
    const param = parameterOf(2, 3);
    assert.throws(() => new optim.AdamW([]), {
      message: "AdamW: found no parameters, expected at least one to optimise",
    });
    assert.throws(() => new optim.SGD([{ params: [param] }, { params: [param], name: "again" }]), {
      message: "SGD: parameter 0 of group again: found a parameter that is listed already",
    });
    assert.throws(() => new optim.SGD([param.mul(2)]), {
      message: "SGD: parameter 0 of group 0: found the result of an operator, expected a parameter (a leaf)",
    });
    assert.throws(() => new optim.SGD([param], { nesterov: true }), {
      message: "SGD with nesterov: found momentum 0, dampening 0, expected a momentum above 0 and no dampening",
    });
    param.dispose();
  });
});

test("a state of other groups or shapes is refused, and nothing is changed", () => {
  scope(() => {
    const [a, b, c] = [parameterOf(2, 3), parameterOf(4), parameterOf(3, 2)] as [Tensor, Tensor, Tensor];
    using two = new optim.AdamW([a, b]);
    using one = new optim.AdamW([c]);
    c.grad = c.detach().clone();
    one.step();
    assert.throws(() => two.loadStateDict(one.stateDict()), {
      message:
        "the optimiser's state does not fit: found groups of 1 parameters, expected groups of 2. " +
        "It belongs to another network, or to another choice of what is trained.",
    });
    using other = new optim.AdamW([a], { lr: 0.5 });
    assert.throws(() => other.loadStateDict(one.stateDict()), {
      message: "the optimiser's state: exp_avg of parameter 0: found shape [3, 2], expected [2, 3]",
    });
    assert.equal(other.groups[0]!.lr, 0.5);
    assert.equal(other.stateDict().state.size, 0);
    assert.throws(
      () => other.loadStateDict(5 as unknown as object),
      /the optimiser's state: found number, expected a dictionary/,
    );
    for (const param of [a, b, c]) param.dispose();
  });
});

test("a group added during a run begins its own count of steps", () => {
  scope(() => {
    const [a, b] = [parameterOf(2, 3), parameterOf(4)] as [Tensor, Tensor];
    using optimizer = new optim.AdamW([a]);
    for (const param of [a, b]) param.grad = param.detach().clone();
    optimizer.step();
    optimizer.addGroup({ params: [b], lr: 0.5 });
    optimizer.step();
    const { state } = optimizer.stateDict();
    assert.deepEqual([state.get(0)!.step!.item(), state.get(1)!.step!.item()], [2, 1]);
    for (const param of [a, b]) param.dispose();
  });
});
