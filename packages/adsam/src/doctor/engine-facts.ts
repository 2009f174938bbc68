import { dirname } from "node:path";
import type { NativeBuild } from "@adsam/torch/native";
import { type EngineInfo, type Fact, fail, ok, warn } from "./facts.js";
import { type Libraries, strayLibtorch } from "./libraries.js";
import type { Machine } from "./machine.js";

/** What the set-up found when it looked for libtorch (scripts/setup/libtorch.mjs). */
export interface LibtorchSearch {
  readonly chosen?: NativeBuild["libtorch"];
  readonly passedOver: readonly string[];
}

const howChosen = {
  LIBTORCH: "named by the environment variable LIBTORCH",
  python: "of the installed Python torch",
  system: "of the system's package",
} as const;

const aptTodo = "Debian, Ubuntu: sudo apt-get install --no-install-recommends";

/** libtorch: where, which version, how it was chosen. */
export function libtorchFact(
  build: NativeBuild | undefined,
  search: LibtorchSearch | undefined,
  engine?: EngineInfo,
): Fact {
  const libtorch = build?.libtorch ?? search?.chosen;
  const notes = (search?.passedOver ?? []).map((note) => `; ${note}`).join("");
  if (libtorch === undefined) {
    const todo =
      `./adsam demo installs it on Debian and Ubuntu as root or with passwordless sudo. By hand: ${aptTodo} libtorch-dev ` +
      "libopenblas0-openmp, or pip install torch, or set LIBTORCH to the folder of an unpacked libtorch.";
    return fail("libtorch", "libtorch", `not found${notes}`, todo);
  }
  const version = engine?.version ?? libtorch.version;
  return ok("libtorch", "libtorch", `${version} in ${libtorch.dir}, ${howChosen[libtorch.source]}${notes}`);
}

/** The native part, built from this source or not yet. */
export function nativeFact(machine: Machine, build: NativeBuild | undefined, libraries: Libraries | undefined): Fact {
  const title = "native part";
  if (build === undefined) {
    return warn(
      "native",
      title,
      "not built yet",
      "The first command that needs it builds it, in a minute or two: ./adsam demo",
    );
  }
  const missing = [build.addon, build.kernels, build.pictures].find((path) => !machine.exists(path));
  if (missing !== undefined) {
    return fail(
      "native",
      title,
      `${missing} is missing`,
      "Start any command through ./adsam: it builds what is missing.",
    );
  }
  const absent = libraries?.missing ?? [];
  if (absent.length > 0) {
    const todo = "A package has gone since it was built: install it again, or remove build/native and start again.";
    return fail("native", title, `${absent.join(", ")} not found by the loader`, todo);
  }
  const stray = libraries === undefined ? undefined : strayLibtorch(machine, build, libraries);
  if (stray !== undefined) {
    const found = `built against ${build.libtorch.dir}, but the loader takes ${stray}`;
    const todo = "Unset LD_LIBRARY_PATH if it names another libtorch; else remove build/native and start again.";
    return fail("native", title, found, todo);
  }
  return ok("native", title, dirname(build.addon));
}

/** The C++ compiler. @param isBuilt whether the native part stands already: then nothing needs it until a source changes */
export async function compilerFact(machine: Machine, isBuilt: boolean): Promise<Fact> {
  const names = [machine.env.CXX, "c++", "g++", "clang++"].filter((name) => name !== undefined && name !== "");
  for (const name of names) {
    const text = await machine.run(name as string, ["--version"]);
    if (text !== undefined) return ok("compiler", "C++ compiler", `${text.split("\n")[0]?.trim()} (${name})`);
  }
  return toolMissing(
    "compiler",
    "C++ compiler",
    `${aptTodo} g++; Fedora: sudo dnf install gcc-c++; macOS: xcode-select --install`,
    isBuilt,
  );
}

/** CMake, and make or ninja beside it. */
export async function cmakeFact(machine: Machine, isBuilt: boolean): Promise<Fact> {
  const text = await machine.run("cmake", ["--version"]);
  const version = /version (\S+)/.exec(text ?? "")?.[1];
  const maker = ["make", "gmake", "ninja"].find((name) => machine.find(name) !== undefined);
  if (version !== undefined && maker !== undefined) return ok("cmake", "CMake", `${version}, with ${maker}`);
  const missing = version === undefined ? "cmake" : "make";
  return toolMissing(
    "cmake",
    "CMake",
    `${aptTodo} ${missing}; Fedora: sudo dnf install ${missing}; macOS: brew install ${missing}`,
    isBuilt,
  );
}

function toolMissing(key: string, title: string, todo: string, isBuilt: boolean): Fact {
  return isBuilt
    ? warn(key, title, "not found; needed only to build again", todo)
    : fail(key, title, "not found; needed to build the native part", todo);
}

/** Which of the CPU kernels run: the widest this processor has, unless ADSAM_CPU_KERNELS holds them back. */
export function kernelsFact({ env }: Machine, engine?: EngineInfo): Fact | undefined {
  if (engine?.kernels === undefined) return undefined;
  const asked = env.ADSAM_CPU_KERNELS;
  if (asked === undefined) return ok("kernels", "CPU kernels", engine.kernels);
  const todo = "Unset ADSAM_CPU_KERNELS unless you compare: the widest kernels that the processor has then run.";
  return warn("kernels", "CPU kernels", `${engine.kernels} (ADSAM_CPU_KERNELS)`, todo);
}

/** How many threads an operator uses, against the processors there are. */
export function threadsFact({ env, processors }: Machine, engine?: EngineInfo): Fact {
  const asked = Number.parseInt(env.OMP_NUM_THREADS ?? "", 10);
  const threads = engine?.threads ?? (asked > 0 ? asked : processors);
  const why = asked > 0 ? " (OMP_NUM_THREADS)" : "";
  const found = `${threads} for ${processors} ${processors === 1 ? "processor" : "processors"}${why}`;
  if (threads > processors) {
    return warn(
      "threads",
      "threads",
      found,
      `More threads than processors slow each other down: unset OMP_NUM_THREADS or set it to ${processors}.`,
    );
  }
  if (threads * 2 <= processors && asked > 0) {
    return warn("threads", "threads", found, "Processors stand idle: unset OMP_NUM_THREADS, or pass --threads.");
  }
  return ok("threads", "threads", found);
}

/** CUDA: whether it can be used, and if not, which part is missing. */
export async function cudaFact(machine: Machine, build: NativeBuild | undefined, engine?: EngineInfo): Promise<Fact> {
  const listing = await machine.run("nvidia-smi", [
    "--query-gpu=name,memory.total,driver_version",
    "--format=csv,noheader",
  ]);
  const gpus = listing?.trim().split("\n").join("; ");
  const hasDevice = gpus !== undefined || machine.exists("/dev/nvidiactl");
  const inLibtorch = build?.libtorch.cuda ?? false;
  if (!hasDevice)
    return ok(
      "cuda",
      "CUDA",
      `not used: no NVIDIA device on this machine${inLibtorch ? " (libtorch could use one)" : ""}`,
    );
  const device = gpus ?? "an NVIDIA device";
  if (!inLibtorch) {
    const todo =
      build === undefined
        ? "Build first: ./adsam demo. Debian's libtorch has no CUDA; pip install torch, in an environment that is active, brings one that has."
        : "pip install torch in an active environment, or set LIBTORCH to a libtorch with CUDA; ./adsam then builds against it.";
    return warn(
      "cuda",
      "CUDA",
      `${device}, but ${build === undefined ? "nothing is built yet" : "this libtorch was built without CUDA"}`,
      todo,
    );
  }
  if (engine?.cuda === false || gpus === undefined) {
    const todo =
      "The driver does not answer: nvidia-smi must list the device. In a container, start it with --gpus all.";
    return warn("cuda", "CUDA", `${device}, and libtorch has CUDA, but it cannot be used`, todo);
  }
  const { built, text } = build?.cudaKernels ?? { built: false, text: "an older build" };
  if (built) return ok("cuda", "CUDA", `${device}; kernels by ${text}`);
  const todo =
    "The fused kernels need an nvcc of libtorch's CUDA version (NVIDIA's CUDA toolkit) in PATH or CUDACXX, and a fresh build: remove " +
    "build/native. Until then operators of libtorch stand in, slower.";
  return warn("cuda", "CUDA", `${device}, without the fused kernels: ${text}`, todo);
}
