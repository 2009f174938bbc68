import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import {
  autocast,
  backward,
  checkpoint,
  customFunction,
  enableGrad,
  Generator,
  grad,
  liveTensors,
  nn,
  noGrad,
  randn,
  scope,
  Tensor,
} from "../src/index.js";
import { assertClose, assertSame } from "./golden.js";

const inScope = (name: string, body: () => void) => test(name, () => scope(body));
const leaf = (...values: number[]) => Tensor.of(values).requiresGrad_();

inScope("backward adds to the gradients of leaves, through intermediates that are gone", () => {
  const x = leaf(1, 2, 3);
  const y = scope(() => x.square().mul(x).sum()); // x³
  y.backward();
  assert.deepEqual(x.grad!.toNested(), [3, 12, 27]);
  x.mul(2).backward(Tensor.of([1, 0, 1]));
  assert.deepEqual(x.grad!.toNested(), [5, 12, 29]);
});

inScope("grad leaves the gradients alone, names an input that is not reached, and differentiates twice", () => {
  const [x, unused] = [leaf(1, 2, 3), leaf(1)];
  assert.deepEqual(grad([x.square().sum()], [x])[0]!.toNested(), [2, 4, 6]);
  assert.equal(x.grad, undefined);
  assert.throws(() => grad([x.square().sum()], [x, unused]), /appears to not have been used in the graph/);
  assert.equal(grad([x.square().sum()], [x, unused], { allowUnused: true })[1], undefined);
  const [first] = grad([x.pow(3).sum()], [x], { createGraph: true });
  assert.deepEqual(grad([first!.sum()], [x])[0]!.toNested(), [6, 12, 18]);
});

inScope("several roots at once, with and without cotangents", () => {
  const x = leaf(1, 2);
  backward([x.sum(), x.mul(3)], [undefined, Tensor.of([1, 10])]);
  assert.deepEqual(x.grad!.toNested(), [4, 31]);
});

inScope("a graph is freed after backward, unless it is retained", () => {
  const x = leaf(1, 2);
  const y = x.square().sum();
  y.backward(undefined, { retainGraph: true });
  y.backward();
  assert.deepEqual(x.grad!.toNested(), [4, 8]);
  assert.throws(() => y.backward(), /Trying to backward through the graph a second time/);
});

test("noGrad and enableGrad travel across await, each in its own context", async () => {
  await scope(async () => {
    const x = leaf(1, 2);
    const records = async (pause: number) => {
      await wait(pause);
      return x.mul(2).requiresGrad;
    };
    const inside = noGrad(async () => {
      const first = await records(2);
      return [first, await enableGrad(() => records(2)), await records(1)];
    });
    assert.deepEqual([await records(1), await records(4)], [true, true]);
    assert.deepEqual(await inside, [false, true, false]);
    assert.equal(x.mul(2).requiresGrad, true);
  });
});

inScope("an error inside noGrad leaves recording on", () => {
  const x = leaf(1);
  assert.throws(() =>
    noGrad(() =>
      x.matmul(
        Tensor.of([
          [1, 2],
          [3, 4],
          [5, 6],
        ]),
      ),
    ),
  );
  assert.equal(x.mul(2).requiresGrad, true);
});

const cube = customFunction<[Tensor], Tensor>("cube", {
  forward(context, x) {
    context.saved = [x];
    return x.pow(3);
  },
  backward(context, cotangent) {
    return context.saved[0]!.square().mul(3).mul(cotangent!);
  },
});

inScope("a function with its own backward joins the graph", () => {
  const x = leaf(1, 2, 3);
  cube(x.mul(2)).sum().backward();
  assert.deepEqual(x.grad!.toNested(), [24, 96, 216]);
  assert.equal(noGrad(() => cube(x)).requiresGrad, false);
  assert.equal(cube(Tensor.of([2])).requiresGrad, false);
});

inScope("its derivative can be differentiated again", () => {
  const x = leaf(1, 2);
  const [first] = grad([cube(x).sum()], [x], { createGraph: true });
  assert.deepEqual(grad([first!.sum()], [x])[0]!.toNested(), [6, 12]);
});

inScope("functions nest: a backward may call another's forward and backward", () => {
  const outer = customFunction<[Tensor], Tensor>("outer", {
    forward(context, x) {
      context.saved = [x];
      return cube(x);
    },
    backward(context, cotangent) {
      const again = context.saved[0]!.detach().requiresGrad_();
      enableGrad(() => cube(again).backward(cotangent));
      return again.grad!;
    },
  });
  const x = leaf(1, 2);
  outer(outer(x)).sum().backward(); // x⁹
  assert.deepEqual(x.grad!.toNested(), [9, 9 * 256]);
  assert.equal(x.mul(1).requiresGrad, true);
});

inScope(
  "several inputs and outputs: an output that is not used has no cotangent, an input may have no gradient",
  () => {
    const seen: (number | undefined)[][] = [];
    const both = customFunction<[Tensor, Tensor], readonly Tensor[]>("both", {
      forward: (_context, a, b) => [a.add(b), a.mul(b)],
      backward(_context, sum, product) {
        seen.push([sum?.item(), product?.item()]);
        return [sum ?? product, undefined];
      },
    });
    const [a, b] = [Tensor.of(2).requiresGrad_(), Tensor.of(3).requiresGrad_()];
    const [sum, product] = both(a, b);
    sum!.mul(7).backward();
    assert.equal(a.grad!.item(), 7);
    assert.equal(b.grad, undefined);
    const [, second] = both(a, b);
    second!.mul(5).backward();
    assert.equal(seen[0]![0], 7);
    assert.equal(seen[1]![1], 5);
    assert.equal(product!.item(), 6);
  },
);

inScope("an exception in a backward keeps its message and its stack, and everything goes on working", () => {
  const broken = customFunction<[Tensor], Tensor>("broken", {
    forward: (_context, x) => x.mul(2),
    backward() {
      throw new RangeError("no derivative today");
    },
  });
  const x = leaf(1, 2);
  assert.throws(() => broken(x).sum().backward(), { name: "RangeError", message: "no derivative today" });
  assert.equal(x.mul(2).requiresGrad, true);
  cube(x).sum().backward();
  assert.deepEqual(x.grad!.toNested(), [3, 12]);
});

inScope("a backward that gives the wrong number of gradients, or wrong shapes, is named", () => {
  const wrong = customFunction<[Tensor, Tensor], Tensor>("wrong", {
    forward: (_context, a, b) => a.add(b),
    backward: (_context, cotangent) => [cotangent],
  });
  assert.throws(() => wrong(leaf(1), leaf(2)).backward(), /wrong: backward gave 1 gradients, expected 2, one an input/);
  const misshapen = customFunction<[Tensor], Tensor>("misshapen", {
    forward: (_context, a) => a.mul(2),
    backward: () => Tensor.of([1, 2, 3]),
  });
  assert.throws(() => misshapen(leaf(1, 2)).sum().backward(), /misshapen returned an invalid gradient at index 0/i);
});

inScope("backward through a function a second time is named", () => {
  const y = cube(leaf(1, 2)).sum();
  y.backward();
  assert.throws(() => y.backward(), /second time/);
});

test("functions and their saved tensors leave nothing behind", () => {
  const x = leaf(1, 2);
  const pass = () =>
    scope(() => {
      cube(cube(x)).sum().backward();
      cube(x); // a graph nobody differentiates
    });
  pass();
  const before = liveTensors();
  for (let i = 0; i < 5; i++) pass();
  assert.equal(liveTensors().count, before.count);
  x.dispose();
});

/** Loss and gradients of a small network with dropout, its middle run by `through`. */
function lossAndGradients(through: (segment: (x: Tensor) => Tensor, x: Tensor) => Tensor, mixed = false): Tensor[] {
  Generator.default().seed(3);
  using net = new nn.Sequential(new nn.Linear(5, 16), new nn.Dropout(0.5), new nn.GELU(), new nn.Linear(16, 3));
  const x = randn([4, 5]).requiresGrad_();
  const run = () => {
    const y = through((input) => net.call(input), x);
    return y.mul(randn([3])).sum(); // draws after the segment: the generator must not be set back
  };
  const loss = mixed ? autocast({ device: "cpu", dtype: "bfloat16" }, run) : run();
  loss.backward();
  return [loss.detach(), x.grad!, ...net.parameters().map((param) => param.grad!), randn([2])];
}

for (const mixed of [false, true])
  inScope(
    `checkpointing changes no bit of loss, gradients or later random numbers${mixed ? ", in bfloat16" : ""}`,
    () => {
      const plain = lossAndGradients((segment, x) => segment(x), mixed);
      const saved = lossAndGradients((segment, x) => checkpoint(segment, x), mixed);
      assert.equal(plain.length, 7);
      for (const [i, tensor] of plain.entries()) assertSame(saved[i]!, tensor, `number ${i}`);
    },
  );

inScope("checkpoints nest, and a segment of parameters alone is trained", () => {
  const plain = lossAndGradients((segment, x) => segment(x));
  const nested = lossAndGradients((segment, x) => checkpoint((y) => checkpoint(segment, y), x));
  for (const [i, tensor] of plain.entries()) assertClose(nested[i]!, tensor, `number ${i}`);
  using layer = new nn.Linear(5, 3);
  checkpoint((x) => layer.call(x), randn([2, 5]))
    .sum()
    .backward();
  assert.ok(layer.weight.grad);
});

inScope("a checkpoint whose segment throws the second time sets the random numbers right again", () => {
  const generator = Generator.default();
  let calls = 0;
  const y = checkpoint(
    (x) => {
      if (++calls === 2) throw new Error("the second time");
      return x.dropout(0.5, true);
    },
    leaf(1, 2),
  );
  randn([3]);
  const state = generator.state;
  assert.throws(() => y.sum().backward(), /the second time/);
  assertSame(generator.state, state, "state");
});

test("checkpoints leave no tensor behind, also outside every scope", () => {
  using layer = new nn.Linear(5, 3);
  const x = randn([2, 5]);
  const pass = () => {
    using y = checkpoint((input) => layer.call(input), x);
    using loss = y.sum();
    loss.backward();
  };
  pass();
  const before = liveTensors().count;
  pass();
  assert.equal(liveTensors().count, before);
  x.dispose();
});
