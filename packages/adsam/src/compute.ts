import { cudaCapability } from "@adsam/kernels";
import { autocast, buildInfo, Problem, setNumThreads } from "@adsam/torch";

/** What is asked for; `auto` is settled by what the machine has. */
export interface ComputeChoice {
  /** `auto`, `cpu`, `cuda` or `cuda:1`. */
  readonly device: string;
  readonly precision: "auto" | Compute["precision"];
  readonly threads: number | "auto";
}

/** Where a run computes and how precisely, settled. */
export interface Compute {
  readonly device: "cpu" | "cuda" | `cuda:${number}`;
  readonly precision: "float32" | "bfloat16" | "float16";
}

/**
 * Settles `auto`, sets the number of threads.
 * @throws Problem for CUDA where there is none, and for float16 on the CPU
 */
export function chooseCompute({ device, precision, threads }: ComputeChoice): Compute {
  const { cuda } = buildInfo();
  if (threads !== "auto") setNumThreads(threads);
  const chosen = (device === "auto" ? (cuda ? "cuda" : "cpu") : device) as Compute["device"];
  if (chosen !== "cpu" && !cuda)
    throw new Problem({
      what: `--device ${device}`,
      found: "a libtorch that sees no CUDA device",
      expected: "one built with CUDA, a driver, and a GPU",
      todo: "`./adsam doctor` says what is missing; --device cpu runs without.",
    });
  const onCpu = chosen === "cpu";
  const settled = precision === "auto" ? (onCpu ? "float32" : usualOnGpu()) : precision;
  if (onCpu && settled === "float16")
    throw new Problem({
      what: "--precision float16",
      found: "--device cpu",
      expected: "a GPU",
      todo: "The CPU computes in float32 or bfloat16.",
    });
  return { device: chosen, precision: settled };
}

/** bfloat16 from Ampere on, whose range needs no loss scaling; float16 before it, and where nobody can tell. */
function usualOnGpu(): Compute["precision"] {
  return (cudaCapability() ?? 0) >= 80 ? "bfloat16" : "float16";
}

/** Runs `body` under the mixed precision that was settled. */
export function withPrecision<T>({ device, precision }: Compute, body: () => T): T {
  if (precision === "float32") return body();
  return autocast({ device: device === "cpu" ? "cpu" : "cuda", dtype: precision }, body);
}
