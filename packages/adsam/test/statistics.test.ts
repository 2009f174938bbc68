import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Random } from "../src/data/random.js";
import type { PictureCounts } from "../src/metrics/picture-counts.js";
import { pairedDifference, pictureDifference, verdictOf } from "../src/study/statistics/difference.js";
import { firstAt, learningSpeed, speedRatio } from "../src/study/statistics/learning-speed.js";
import { studentInterval } from "../src/study/statistics/student.js";
import { differenceText } from "../src/study/statistics/wording.js";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-7 * Math.max(1, Math.abs(expected)), `${actual}, expected ${expected}`);
const curve = (...scores: number[]) => scores.map((mIoU, i) => ({ at: i + 1, mIoU }));

describe("learning speed", () => {
  test("worked by hand", () => {
    const speed = learningSpeed(curve(0.2, 0.4, 0.54, 0.57, 0.56, 0.6));
    assert.deepEqual([speed.final, speed.best, speed.to90, speed.to95], [0.6, 0.6, 3, 4]);
    close(speed.area, (0.1 + 0.3 + 0.47 + 0.555 + 0.565 + 0.58) / 6);
    assert.equal(speed.stability.validations, 6);
    close(speed.stability.range, 0.4);
  });

  test("stability is that of the last ten validations", () => {
    const { stability } = learningSpeed(curve(0, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.6));
    assert.equal(stability.validations, 10);
    close(stability.range, 0.1);
    close(stability.deviation!, Math.sqrt((9 * 0.01 ** 2 + 0.09 ** 2) / 9));
    assert.equal(learningSpeed(curve(0.3)).stability.deviation, null);
  });

  test("a curve that is best before its end is measured by its end; validations may be apart", () => {
    const apart = [
      { at: 5, mIoU: 0.9 },
      { at: 15, mIoU: 0.5 },
    ];
    const speed = learningSpeed(apart);
    assert.deepEqual([speed.final, speed.best, speed.to95], [0.5, 0.9, 5]);
    close(speed.area, (5 * 0.45 + 10 * 0.7) / 15);
    assert.equal(firstAt(apart, 0.95), null);
  });

  test("the ratio to a baseline: sooner at its own marks, and at the baseline's", () => {
    const fast = curve(0.5, 0.6, 0.6, 0.6);
    const slow = curve(0.1, 0.2, 0.3, 0.4);
    const ratio = speedRatio(fast, slow);
    assert.deepEqual([ratio.to90, ratio.to95, ratio.toBaseline90, ratio.toBaseline95], [2, 2, 4, 4]);
    close(ratio.area!, (0.25 + 0.55 + 0.6 + 0.6) / (0.05 + 0.15 + 0.25 + 0.35));
    const low = speedRatio(curve(0.1, 0.1, 0.1, 0.1), slow); // soon at a low end: no merit by the baseline's mark
    assert.deepEqual([low.to90, low.toBaseline90], [4, null]);
    assert.equal(speedRatio(fast, curve(0, 0)).area, null);
    assert.deepEqual([ratio.mayBeMore, ratio.mayBeLess], [true, false]); // 0.5 at its first validation is above 0.36
    assert.deepEqual([low.mayBeMore, low.mayBeLess], [false, false]);
    const atOnce = speedRatio(curve(0.1, 0.5), curve(0.4, 0.4));
    assert.deepEqual([atOnce.mayBeMore, atOnce.mayBeLess], [false, true]);
  });

  test("what is no curve is refused", () => {
    assert.throws(() => learningSpeed([]), /found no validation/);
    assert.throws(
      () =>
        learningSpeed([
          { at: 2, mIoU: 0.1 },
          { at: 2, mIoU: 0.2 },
        ]),
      /found 2 after 2/,
    );
    assert.throws(() => learningSpeed([{ at: 0, mIoU: 0.1 }]), /found 0 after 0/);
    assert.throws(() => learningSpeed(curve(61)), /mIoU 61 at 1, expected 0 to 1/);
  });
});

describe("paired differences over seeds", () => {
  test("the interval is SciPy's", () => {
    // scipy.stats.t.interval(level, 2, loc=mean, scale=sem) of 0.021, 0.034, 0.012
    const values = [0.021, 0.034, 0.012];
    const [at95, at90] = [0.95, 0.9].map((level) => studentInterval(values, level)!);
    close(at95!.low, -0.0051423228184032665);
    close(at95!.high, 0.049808989485069934);
    close(at90!.low, 0.003687041194499332);
    assert.equal(studentInterval([1]), null);
    assert.throws(() => studentInterval([1, Number.NaN]), /found NaN/);
    assert.throws(() => studentInterval([1, 2], 95), /a level of 95/);
  });

  test("pairs by seed, names what is unpaired, and calls the noise what it is", () => {
    const seeds = (...scores: number[]) => new Map(scores.map((score, seed) => [seed, score]));
    const noisy = [0.6, 0.7, 0.65];
    const better = pairedDifference(seeds(0.63, 0.731, 0.679), seeds(...noisy, 0.1));
    assert.equal(better.verdict, "better"); // although the spread over seeds is far wider than the difference
    assert.deepEqual([...better.bySeed.keys()], [0, 1, 2]);
    assert.deepEqual(better.unpaired, [3]);
    close(better.value, 0.03);
    assert.equal(pairedDifference(seeds(...noisy), seeds(0.63, 0.731, 0.679)).verdict, "worse");
    assert.equal(pairedDifference(seeds(0.63, 0.66, 0.66), seeds(...noisy)).verdict, "inside the noise");
    assert.equal(pairedDifference(seeds(0.9, 0.9), seeds(0.1, 0.1001)).verdict, "untold"); // two seeds are too few
    assert.throws(
      () => pairedDifference(new Map([[1, 0.5]]), new Map([[2, 0.5]])),
      /found the seeds 1 and 2, expected seeds that both have been run with/,
    );
  });

  test("said in words", () => {
    const seeds = (...scores: number[]) => new Map(scores.map((score, seed) => [seed, score]));
    const noise = pairedDifference(seeds(0.63, 0.66, 0.66), seeds(0.6, 0.7, 0.65));
    assert.equal(differenceText(noise), "0.0 points (−9.0 to +9.0; 3 seeds): inside the noise");
    const one = pairedDifference(seeds(0.5), seeds(0.45));
    assert.equal(differenceText(one), "+5.0 points (1 seed): too few seeds to say (3 are needed)");
  });

  test("a difference is one where the interval leaves 0 out", () => {
    assert.equal(verdictOf({ low: 0, high: 1, level: 0.95 }), "inside the noise");
    assert.equal(verdictOf({ low: 0.001, high: 1, level: 0.95 }), "better");
    assert.equal(verdictOf(null), "untold");
  });
});

describe("differences over pictures", () => {
  /** 50 pictures of two classes, 100 pixels each; `right` of a class come and go with the picture, the same for every system. */
  const scored = (more: number, name = "a"): PictureCounts[] => {
    const random = new Random("pictures");
    return Array.from({ length: 50 }, (_, i) => {
      const right = 20 + random.below(25);
      return { id: `${name}${i}`, labelled: [50, 50], predicted: [50 + more, 50 - more], right: [right + more, right] };
    });
  };

  test("a small difference that is there in every picture shows against a spread far wider", () => {
    const { value, interval, verdict } = pictureDifference([scored(3)], [scored(0)]);
    assert.equal(verdict, "better");
    assert.ok(value! > 0.02 && interval!.low < value! && value! < interval!.high);
    assert.ok(interval!.high - interval!.low < 0.01);
    assert.deepEqual(pictureDifference([scored(3)], [scored(3)]).verdict, "inside the noise");
    const both = pictureDifference([scored(3), scored(3)], [scored(0), scored(0)]);
    close(both.value!, value!);
  });

  test("pictures that are not the same are refused", () => {
    assert.throws(
      () => pictureDifference([scored(3)], [scored(0, "b")]),
      /found "a0" and "b0" as picture 1, expected the same pictures scored by both/,
    );
    assert.throws(() => pictureDifference([scored(3)], [scored(0).slice(1)]), /"a0" and "a1"/);
    assert.throws(() => pictureDifference([[]], [[]]), /no pictures/);
  });
});
