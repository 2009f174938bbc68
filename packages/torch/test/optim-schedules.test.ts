import assert from "node:assert/strict";
import { test } from "node:test";
import { nn, optim, randn } from "../src/index.js";
import { readGolden } from "./golden.js";

const golden = readGolden<{ schedules: Record<string, [number, number][]> }>("optim.json").schedules;

const schedules: Record<string, optim.Schedule> = {
  cosine: optim.cosine({ steps: 11, minLr: 1e-3 }),
  polynomial: optim.polynomial({ steps: 8 }),
  constant: optim.constant(),
  "warm-up, then polynomial": optim.linearWarmup({ steps: 4, startFactor: 0.25 }, optim.polynomial({ steps: 8 })),
};

test("every schedule of the golden file is tested", () => {
  assert.deepEqual(Object.keys(schedules), Object.keys(golden));
});

/** An optimiser with two groups, of rates 0.1 and 0.02. */
function optimiser() {
  const params = [nn.parameter(randn([2])), nn.parameter(randn([3]))] as const;
  return new optim.SGD([{ params: [params[0]], lr: 0.1 }, { params: [params[1]] }], { lr: 0.02 });
}

for (const [name, schedule] of Object.entries(schedules))
  test(`${name}: the rates of both groups are PyTorch's at every step`, () => {
    const scheduler = new optim.LrScheduler(optimiser(), schedule);
    for (const [step, rates] of golden[name]!.entries()) {
      for (const [i, rate] of rates.entries())
        assert.ok(
          Math.abs(scheduler.rates[i]! - rate) <= 1e-12,
          `step ${step}: ${scheduler.rates[i]}, expected ${rate}`,
        );
      scheduler.step();
    }
  });

test("past its end a schedule stays where it ended", () => {
  assert.equal(optim.cosine({ steps: 10, minLr: 1e-6 })(13, 0.1), 1e-6);
  assert.equal(optim.polynomial({ steps: 10 })(13, 0.1), 0);
});

test("a warm-up from zero rises in equal steps; without steps it is not there", () => {
  const warm = optim.linearWarmup({ steps: 4 });
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((step) => warm(step, 8)),
    [0, 2, 4, 6, 8, 8],
  );
  assert.equal(optim.linearWarmup({ steps: 0 })(0, 8), 8);
});

test("a schedule of no steps is refused", () => {
  assert.throws(() => optim.cosine({ steps: 0 }), /cosine schedule: found 0 steps, expected more than 0/);
});

test("a scheduler resumes from its state, also on an optimiser whose rates have moved", () => {
  const first = new optim.LrScheduler(optimiser(), schedules.cosine!);
  for (let i = 0; i < 5; i++) first.step();
  const second = new optim.LrScheduler(optimiser(), schedules.cosine!);
  second.loadStateDict(first.stateDict());
  assert.deepEqual(second.rates, first.rates);
  second.step();
  first.step();
  assert.deepEqual(second.rates, first.rates);
  assert.equal(second.done, 6);
  const wrong = { last_epoch: 1, base_lrs: [1] };
  assert.throws(() => second.loadStateDict(wrong), /found rates of 1 groups, expected 2/);
});

test("moments between two steps count: a schedule by epochs may move within them", () => {
  const scheduler = new optim.LrScheduler(optimiser(), optim.polynomial({ steps: 2, power: 1 }));
  scheduler.step(0.5);
  assert.ok(Math.abs(scheduler.rates[0]! - 0.075) < 1e-15);
});
