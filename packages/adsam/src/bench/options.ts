import { availableParallelism } from "node:os";
import { Problem } from "@adsam/torch/problem";
import type { BenchOptions } from "./run.js";
import { readPeers } from "./sides/peers.js";

/** The flags of `adsam bench` as they are typed. */
export interface BenchFlags {
  readonly sizes?: string;
  readonly batch: string;
  readonly threads?: string;
  readonly repeats?: string;
  readonly budget: string;
  readonly device: string;
  readonly dtype?: string;
  readonly peers?: string;
  readonly python?: string;
  readonly sameEnvironment?: true;
  readonly quick?: true;
  readonly growth?: true;
}

/**
 * @param works names or groups, as typed
 * @param command how it was called, for the record
 * @throws Problem for values that make no sense
 */
export function readBenchOptions(works: readonly string[], flags: BenchFlags, command: string): BenchOptions {
  const { python, sizes, quick = false } = flags;
  return {
    works,
    sizes: sizes?.split(",").map((size) => whole("--sizes", size, 32)),
    batch: whole("--batch", flags.batch, 1),
    threads: flags.threads === undefined ? availableParallelism() : whole("--threads", flags.threads, 1),
    repeats: whole("--repeats", flags.repeats ?? (quick ? "1" : "3"), 1),
    budget: whole("--budget", flags.budget, 1),
    device: oneOf("--device", flags.device, ["cpu", "cuda"]),
    dtype: flags.dtype === undefined ? undefined : oneOf("--dtype", flags.dtype, ["float32", "bfloat16"]),
    peers: {
      wanted: readPeers(flags.peers),
      ...(python !== undefined && { python }),
      sameEnvironment: flags.sameEnvironment === true,
    },
    quick,
    growth: flags.growth === true,
    command,
  };
}

function whole(flag: string, text: string, step: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= step && value % step === 0) return value;
  throw new Problem({
    what: flag,
    found: `"${text}"`,
    expected: step === 1 ? "a whole number from 1" : `multiples of ${step}`,
  });
}

function oneOf<const T extends string>(flag: string, text: string, values: readonly T[]): T {
  if (values.includes(text as T)) return text as T;
  throw new Problem({ what: flag, found: `"${text}"`, expected: values.join(" or ") });
}
