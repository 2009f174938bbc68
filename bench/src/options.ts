import { parseArgs } from "node:util";
import { Problem } from "@adsam/torch/problem";
import type { WorkName } from "./side.js";

export const help = `npm run bench -- [options]: this project beside the same network in PyTorch, same machine, same run, same weights.

  --sizes 512,1024     heights (and widths) of the picture, multiples of 32
  --work forward,step  evaluation forward, training step, or both
  --repeats 3          measured turns of each side, after one that is not
  --threads 2          of each side
  --python PATH        a Python with torch, torchvision and scipy
  --same-environment   the peer gets the launcher's settings for malloc and OpenBLAS too
  --quick              one turn at 64×64, to see it work; writes nothing unless --out is given
  --out docs           folder of performance.json and performance.md`;

const workNames: readonly WorkName[] = ["forward", "step"];

export interface Options {
  readonly sizes: readonly number[];
  readonly works: readonly WorkName[];
  readonly repeats: number;
  readonly threads: number;
  readonly python: string | undefined;
  readonly sameEnvironment: boolean;
  /** Undefined: nothing is written. */
  readonly out: string | undefined;
}

/**
 * @returns undefined where help is asked for
 * @throws Problem for unknown flags and values
 */
export function readOptions(args: readonly string[]): Options | undefined {
  const values = parsed(args);
  if (values.help) return undefined;
  const { quick, python, work, "same-environment": sameEnvironment } = values;
  return {
    sizes: (values.sizes ?? (quick ? "64" : "512,1024")).split(",").map((size) => whole("--sizes", size, 32)),
    works: work.split(",").map((name) => {
      if (workNames.includes(name as WorkName)) return name as WorkName;
      throw new Problem({ what: "--work", found: `"${name}"`, expected: `some of ${workNames.join(", ")}` });
    }),
    repeats: whole("--repeats", values.repeats ?? (quick ? "1" : "3"), 1),
    threads: whole("--threads", values.threads, 1),
    python,
    sameEnvironment,
    out: values.out ?? (quick ? undefined : "docs"),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        sizes: { type: "string" },
        work: { type: "string", default: workNames.join() },
        repeats: { type: "string" },
        threads: { type: "string", default: "2" },
        python: { type: "string" },
        "same-environment": { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        out: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new Problem({
      what: "the benchmark's options",
      found: (error as Error).message.split(". ")[0]!,
      todo: "`npm run bench -- --help` lists them.",
    });
  }
}

function whole(flag: string, text: string, step: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= step && value % step === 0) return value;
  throw new Problem({
    what: flag,
    found: `"${text}"`,
    expected: step === 1 ? "a whole number from 1" : `multiples of ${step}`,
  });
}
