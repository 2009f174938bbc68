import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../src/data/random.js";
import { bootstrap, quantile } from "../src/metrics/bootstrap.js";
import { ConfusionMatrix } from "../src/metrics/confusion.js";
import { CountedPictures, labelledClasses, type PictureCounts, pictureCounts } from "../src/metrics/picture-counts.js";
import { retention, retentionBetween } from "../src/metrics/retention.js";

/** Pictures of 100 pixels in three classes, of which about so many are right; class 2 only where asked for. */
function pictures(name: string, count: number, right: number, withThird = true): PictureCounts[] {
  const random = new Random(name);
  return Array.from({ length: count }, (_, i) => {
    const matrix = new ConfusionMatrix(3);
    const labels = Array.from({ length: 100 }, () => random.below(withThird ? 3 : 2));
    matrix.update(
      labels.map((label) => (random.chance(right) ? label : (label + 1) % 2)),
      labels,
    );
    return pictureCounts(`${name} ${i}`, matrix);
  });
}

describe("counted pictures", () => {
  test("all together they score what the confusion matrix of the split does", () => {
    const whole = new ConfusionMatrix(4);
    const parts: PictureCounts[] = [];
    for (const [i, [guess, label]] of [
      [
        [0, 1, 1, 3],
        [0, 0, 1, 255],
      ],
      [
        [1, 1, 0, 2],
        [1, 0, 0, 0],
      ],
    ].entries()) {
      const matrix = new ConfusionMatrix(4);
      matrix.update(guess!, label!);
      whole.merge(matrix);
      parts.push(pictureCounts(`${i}`, matrix));
    }
    assert.equal(new CountedPictures(parts).meanIoU(), whole.meanIoU());
    assert.equal(new CountedPictures(parts, [0, 1]).meanIoU(), whole.meanIoU([0, 1]));
    assert.equal(new CountedPictures(parts, [3]).meanIoU(), null);
    assert.deepEqual(labelledClasses(parts), [0, 1]);
    // The second picture twice: class 0 3 + 2·… by hand: right 1, labelled 3, predicted 1 → 1/3; class 1 1/2; class 2 0.
    assert.equal(new CountedPictures(parts).meanIoU(Int32Array.of(1, 1)), (1 / 3 + 1 / 2 + 0) / 3);
  });

  test("pictures of different classes are refused", () => {
    const [one] = pictures("one", 1, 1);
    assert.throws(() => new CountedPictures([one!, { ...one!, labelled: [1] }]), /found 1 in "one 0", expected 3/);
    assert.throws(() => new CountedPictures([one!], [3]), /found class 3, expected 0…2/);
  });
});

describe("bootstrap", () => {
  test("its interval for a mean is that of the normal approximation", () => {
    const random = new Random("values");
    const values = Array.from({ length: 400 }, () => 5 + 2 * random.normal());
    const mean = values.reduce((sum, value) => sum + value, 0) / 400;
    const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 400);
    const meanOf = ([places]: readonly Int32Array[]) => places!.reduce((sum, at) => sum + values[at]!, 0) / 400;
    for (const [level, z] of [
      [0.95, 1.96],
      [0.8, 1.2816],
    ] as const) {
      const { low, high } = bootstrap([400], meanOf, { level, resamples: 4000 })!;
      const half = (z * sd) / 20;
      assert.ok(Math.abs(low - (mean - half)) < 0.1 * half && Math.abs(high - (mean + half)) < 0.1 * half);
    }
    assert.deepEqual(bootstrap([400], meanOf, { seed: 3 }), bootstrap([400], meanOf, { seed: 3 }));
    assert.notDeepEqual(bootstrap([400], meanOf, { seed: 3 }), bootstrap([400], meanOf, { seed: 4 }));
  });

  test("nothing to draw from, no interval; a level in per cent is refused", () => {
    assert.equal(
      bootstrap([1], () => 1),
      null,
    );
    assert.equal(
      bootstrap([5], () => null),
      null,
    );
    assert.throws(() => bootstrap([5], () => 1, { level: 95 }), /found a level of 95, expected 0.95/);
    assert.throws(() => bootstrap([5], () => 1, { resamples: 10 }), /10 resamples/);
  });

  test("quantiles fall between values", () => {
    assert.equal(quantile([1, 2, 4], 0.5), 2);
    assert.equal(quantile([1, 2, 4], 0.75), 3);
    assert.equal(quantile([7], 0.1), 7);
  });
});

describe("retention between domains", () => {
  test("is the quotient of the scores over the classes labelled in both, inside its interval", () => {
    const [trained, unseen] = [pictures("home", 60, 0.9, false), pictures("away", 40, 0.7)];
    const kept = retentionBetween({ unseen, trained }, [0, 1, 2]);
    assert.deepEqual(kept.classes, [0, 1]);
    const scores = [unseen, trained].map((domain) => new CountedPictures(domain, [0, 1]).meanIoU());
    assert.deepEqual([kept.unseen, kept.trained], scores);
    assert.equal(kept.value, retention(kept.unseen, kept.trained));
    const { low, high } = kept.interval!;
    assert.ok(low < kept.value! && kept.value! < high && high - low < 0.1, JSON.stringify(kept));
    const fewer = retentionBetween({ unseen: unseen.slice(0, 5), trained: trained.slice(0, 5) }, [0, 1, 2]).interval!;
    assert.ok(fewer.high - fewer.low > 1.5 * (high - low));
  });

  test("of a domain to itself it is 1, and 1 is in the interval", () => {
    const home = pictures("home", 30, 0.8);
    const { value, interval } = retentionBetween({ unseen: home, trained: home }, [0, 1, 2]);
    assert.equal(value, 1);
    assert.ok(interval!.low < 1 && interval!.high > 1);
  });

  test("a class that a sample lacks in one domain counts in neither mean of that sample", () => {
    // Class 0 is always right, class 1 never. Every picture away has both; at home one of four has class 1.
    const both: PictureCounts = { id: "both", labelled: [10, 10], predicted: [10, 0], right: [10, 0] };
    const one: PictureCounts = { id: "one", labelled: [10, 0], predicted: [10, 0], right: [10, 0] };
    const { value, interval } = retentionBetween({ unseen: [both, both], trained: [both, one, one, one] }, [0, 1]);
    assert.deepEqual([value, interval], [1, { low: 1, high: 1, level: 0.95 }]);
    assert.deepEqual([...new CountedPictures([both, one]).classIoU(Int32Array.of(1, 1))], [1, Number.NaN]);
  });

  test("without a common class there is none", () => {
    const home = pictures("home", 5, 0.8);
    assert.deepEqual(retentionBetween({ unseen: home, trained: home }, []), {
      value: null,
      interval: null,
      unseen: null,
      trained: null,
      classes: [],
    });
  });
});
