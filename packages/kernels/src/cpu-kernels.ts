import { callKernel } from "./library.js";

/** Instruction sets the CPU kernels are compiled for, each with all of those before it. */
export type CpuKernels = "baseline" | "avx2" | "avx512" | "avx512_bf16";

/**
 * Which of them run: the widest this processor has, or the one in the environment variable ADSAM_CPU_KERNELS. `baseline` is SSE2
 * on x86-64 and NEON on arm64; `avx2` and `avx512` are x86-64-v3 and v4.
 * @throws where ADSAM_CPU_KERNELS names none that this processor has
 */
export function cpuKernels(): CpuKernels {
  return callKernel("cpu_kernels", []) as CpuKernels;
}
