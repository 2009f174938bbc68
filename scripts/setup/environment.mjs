// @ts-check
import { closeSync, existsSync, openSync, readSync } from "node:fs";

/**
 * Environment assignments (`NAME=value`) the engine wants before its process starts; what the user has set is kept.
 *
 * - `GLIBC_TUNABLES`: transparent huge pages for malloc: a 64 MB fill takes 4 ms instead of 20 with them (page faults). And two arenas
 *   instead of eight a core: each keeps what its threads freed, and a training process grew by 5 % in its first hundred steps.
 * - `OPENBLAS_CORETYPE`: OpenBLAS 0.3.21 is older than Zen 5 and runs it with AVX2 kernels; told to use those for AVX-512, it is
 *   about twice as fast. Zen 4 and Intel's processors it recognises, with kernels of their own, so they are left alone.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {{ cpuInfo?: string, hugePages?: boolean }} [machine] for tests; read from the machine otherwise
 * @returns {string[]}
 */
export function commandEnvironment(env, machine = {}) {
  const assignments = [];
  const given = env.GLIBC_TUNABLES ?? "";
  const wanted = [
    ["glibc.malloc.hugetlb", "1", machine.hugePages ?? hasHugePages()],
    ["glibc.malloc.arena_max", "2", process.platform === "linux"],
  ];
  const added = wanted.filter(([name, , isWanted]) => isWanted && !given.includes(String(name)));
  if (added.length > 0) {
    const tunables = added.map(([name, value]) => `${name}=${value}`);
    assignments.push(`GLIBC_TUNABLES=${[...(given === "" ? [] : [given]), ...tunables].join(":")}`);
  }
  if (env.OPENBLAS_CORETYPE === undefined && wantsWiderKernels(machine.cpuInfo ?? firstProcessor())) {
    assignments.push("OPENBLAS_CORETYPE=SkylakeX");
  }
  return assignments;
}

/** @param {string} cpuInfo text of /proc/cpuinfo, the first processor is enough */
export function wantsWiderKernels(cpuInfo) {
  const family = Number(/^cpu family\s*:\s*(\d+)/m.exec(cpuInfo)?.[1]);
  if (!/^vendor_id\s*:\s*AuthenticAMD/m.test(cpuInfo) || !(family >= 26)) return false; // 26: Zen 5
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuInfo)?.[1]?.trim().split(/\s+/));
  return ["avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl"].every((flag) => flags.has(flag));
}

function hasHugePages() {
  return existsSync("/sys/kernel/mm/transparent_hugepage/enabled");
}

/** The first 8 KiB of /proc/cpuinfo: the whole takes tens of milliseconds on a machine with hundreds of cores. */
function firstProcessor() {
  try {
    const file = openSync("/proc/cpuinfo", "r");
    try {
      const buffer = Buffer.alloc(8192);
      return buffer.toString("latin1", 0, readSync(file, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}
