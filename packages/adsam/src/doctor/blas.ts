import { basename, dirname } from "node:path";
import type { NativeBuild } from "@adsam/torch/native";
import { type EngineInfo, type Fact, ok, warn } from "./facts.js";
import type { Libraries } from "./libraries.js";
import type { Machine } from "./machine.js";
import { processor } from "./system-facts.js";

/**
 * The library that multiplies matrices: which one the addon really gets, with whose threads, and whether it runs this processor's
 * widest kernels. On Debian several flavours stand side by side and the default one (pthread) fights libgomp for the cores.
 */
export async function blasFact(
  machine: Machine,
  build: NativeBuild,
  libraries: Libraries,
  engine?: EngineInfo,
): Promise<Fact> {
  const title = "BLAS";
  const path = blasLibrary(libraries);
  if (path === undefined) return builtInFact(build, engine);
  const found = `${basename(path)} in ${dirname(path)}`;
  if (/mkl/.test(basename(path)) || /Accelerate/.test(path)) return ok("blas", title, found);
  if (!/openblas/.test(path)) {
    const todo =
      "This is a slow BLAS. Debian, Ubuntu: sudo apt-get install libopenblas0-openmp, then remove build/native and start again.";
    return warn("blas", title, found, todo);
  }
  const core = await openblasCore(machine, path);
  const described = core === undefined ? found : `${found}, kernels ${core}`;
  if (/pthread/.test(path)) {
    const todo =
      "Its threads fight those of libtorch. Debian, Ubuntu: sudo apt-get install libopenblas0-openmp, then remove build/native and start again.";
    return warn("blas", title, described, todo);
  }
  if (processor(machine).vectors === "AVX-512" && core !== undefined && !wideCores.has(core)) {
    const todo =
      "This processor has AVX-512: start through ./adsam, or set OPENBLAS_CORETYPE=SkylakeX; about twice as fast.";
    return warn("blas", title, described, todo);
  }
  return ok("blas", title, described);
}

/** OpenBLAS's kernel sets that use AVX-512. */
const wideCores = new Set(["SkylakeX", "Cooperlake", "SapphireRapids", "Zen4", "Zen5"]);

/** libblas.so.3 may itself stand on libopenblas.so.0: the latter says more. */
function blasLibrary({ paths }: Libraries): string | undefined {
  const found = paths.filter((path) => /^lib(?:openblas|mkl_rt|mkl_core|blis|blas)/.test(basename(path)));
  return found.find((path) => /libopenblas/.test(path)) ?? found[0];
}

function builtInFact(build: NativeBuild, engine?: EngineInfo): Fact {
  const math = /(?:oneAPI )?Math Kernel Library[^\n]*|BLAS_INFO=\w+/.exec(engine?.config ?? "")?.[0];
  const where = `inside libtorch ${build.libtorch.version}`;
  return ok("blas", "BLAS", math === undefined ? `no library of its own: ${where}` : `${math}, ${where}`);
}

/** OpenBLAS tells on stderr, when it is loaded, which kernels it picked for this processor and environment. */
async function openblasCore(machine: Machine, path: string): Promise<string | undefined> {
  if (machine.platform !== "linux") return undefined;
  const text = await machine.run("/bin/true", [], { OPENBLAS_VERBOSE: "2", LD_PRELOAD: path });
  return /^Core: (\S+)/m.exec(text ?? "")?.[1];
}
