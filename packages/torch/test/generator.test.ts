import assert from "node:assert/strict";
import { test } from "node:test";
import { Generator, rand, randn, randperm, scope } from "../src/index.js";
import { assertSame } from "./golden.js";

test("a seed fixes the numbers, and two generators do not disturb each other", () => {
  scope(() => {
    const [a, b] = [Generator.seeded(5), Generator.seeded(5)];
    const first = randn([3, 4], { generator: a });
    rand([7]);
    randn([100], { generator: Generator.seeded(6) });
    assertSame(randn([3, 4], { generator: b }), first, "from the same seed");
    assert.ok(!randn([3, 4], { generator: b }).equal(first));
  });
});

test("torch.manual_seed(0); torch.rand(3), as PyTorch documents it", () => {
  scope(() => {
    Generator.default().seed(0);
    const [a, b, c] = rand([3]).toNumbers();
    assert.deepEqual([a, b, c], [0.49625658988952637, 0.7682217955589294, 0.08847743272781372]);
  });
});

test("a state brings back every later number to the bit, whatever was drawn in between", () => {
  scope(() => {
    for (const generator of [Generator.seeded(9), Generator.default()]) {
      randn([5], { generator }); // leaves half a pair of normal numbers behind
      const state = generator.state;
      assert.deepEqual([state.dtype, state.shape], ["uint8", [5056]]);
      const draw = () => [randn([5], { generator }), rand([3], { generator }), randperm(11, { generator })];
      const first = draw();
      draw();
      generator.state = state;
      for (const [i, tensor] of draw().entries()) assertSame(tensor, first[i]!, `draw ${i}`);
    }
  });
});

test("a seed may be a bigint of 64 bits; a state must be one", () => {
  scope(() => {
    const wide = 2n ** 63n + 5n;
    assertSame(rand([3], { generator: Generator.seeded(wide) }), rand([3], { generator: Generator.seeded(wide) }), "");
    assert.throws(() => {
      Generator.seeded(1).state = rand([3]);
    }, /RNG state must be a torch.ByteTensor/);
  });
});
