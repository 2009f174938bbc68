import { empty, ones, scope } from "@adsam/torch";
import type { Order } from "../order.js";
import type { Numbers, Work } from "./work.js";

const side = 2048;
const copied = 64 * 1024 * 1024; // float32 elements, 256 MiB: eight times the largest cache

/**
 * What this machine can do at best: matrix products of 2048×2048 in float32 and bfloat16, in operations a second, and copying, in bytes
 * read and written a second; the best of a second's turns each, and of five at least.
 */
export function ratesWork({ device }: Order): Work {
  const best: Record<string, number> = {};
  return {
    run(turn) {
      scope(() => {
        for (const dtype of ["float32", "bfloat16"] as const) {
          const a = ones([side, side], { device }).to({ dtype });
          const seconds = fastest(turn.seconds, () => turn.phase("product", () => scope(() => void a.mm(a))));
          best[dtype] = Math.max(best[dtype] ?? 0, (2 * side ** 3) / seconds);
        }
        const [from, to] = [ones([copied], { device }), empty([copied], { device })];
        const seconds = fastest(turn.seconds, () => turn.phase("product", () => scope(() => void to.copy_(from))));
        best.copy = Math.max(best.copy ?? 0, (2 * 4 * copied) / seconds);
      });
      return undefined;
    },
    output: () => ({ arrays: {}, numbers: best as Numbers }),
  };
}

/** Of the turns of a second, so that a slow moment of a shared machine is not taken for the machine; the first is not counted. */
function fastest(clock: Record<string, number>, body: () => void): number {
  let [least, spent] = [Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < 6 || spent < 1; i++) {
    clock.product = 0;
    body();
    spent += clock.product;
    if (i > 0) least = Math.min(least, clock.product);
  }
  return least;
}
