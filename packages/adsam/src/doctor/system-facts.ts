import { type Fact, fail, gigabytes, ok, warn } from "./facts.js";
import type { Machine } from "./machine.js";

/** Node.js: its version and the version of its binary interface. */
export function nodeFact({ node }: Machine): Fact {
  const [major = 0, minor = 0] = node.version.split(".").map(Number);
  const found = `${node.version} (ABI ${node.abi}) in ${node.path}`;
  const isNewEnough = major > 20 || (major === 20 && minor >= 9);
  return isNewEnough
    ? ok("node", "Node.js", found)
    : fail("node", "Node.js", found, "Install version 20.9 or newer, for instance from https://nodejs.org.");
}

/** The operating system and its C library. */
export function systemFact({ platform, arch, kernel, glibc, read }: Machine): Fact {
  const pretty = /^PRETTY_NAME="?([^"\n]+)"?/m.exec(read("/etc/os-release") ?? "")?.[1] ?? platform;
  const found = `${pretty}, ${platform} ${kernel} ${arch}`;
  if (platform === "darwin") return ok("system", "system", found);
  if (platform !== "linux") {
    return fail("system", "system", found, "AD-SAM runs on Linux and macOS; on Windows, use WSL with Debian.");
  }
  if (glibc !== undefined) return ok("system", "system", `${found}, glibc ${glibc}`);
  const todo = "No libtorch is built for another C library than glibc; use Debian, Ubuntu or Fedora.";
  return fail("system", "system", `${found}, no glibc`, todo);
}

/** The processor: its name and its widest vector instructions. */
export function processorFact(machine: Machine): Fact {
  const { name, vectors } = processor(machine);
  const found = `${name}, ${machine.processors} in use, ${vectors}`;
  if (machine.platform !== "linux" || machine.arch !== "x64" || vectors !== "SSE")
    return ok("processor", "processor", found);
  return warn(
    "processor",
    "processor",
    found,
    "Without AVX2 everything runs several times slower; nothing can be set.",
  );
}

/** Name and widest vector instructions of the first processor. */
export function processor({ arch, read }: Machine): { name: string; vectors: "AVX-512" | "AVX2" | "SSE" | "NEON" } {
  const info = read("/proc/cpuinfo") ?? "";
  const name = /^model name\s*:\s*(.+)$/m.exec(info)?.[1] ?? arch;
  if (arch === "arm64") return { name, vectors: "NEON" };
  const flags = new Set(/^flags\s*:(.*)$/m.exec(info)?.[1]?.trim().split(/\s+/));
  return { name, vectors: flags.has("avx512bw") ? "AVX-512" : flags.has("avx2") ? "AVX2" : "SSE" };
}

/** Memory, total and free. The demo needs 4 GB. */
export function memoryFact({ memory }: Machine): Fact {
  const found = `${gigabytes(memory.total)}, ${gigabytes(memory.free)} of it free`;
  if (memory.free >= 4e9) return ok("memory", "memory", found);
  const todo = "The demo needs up to 4 GB: close other programs, or train with smaller batches (--batch-size 1).";
  return warn("memory", "memory", found, todo);
}

/** Whether large blocks of memory come in large pages: page faults dominate large operators otherwise. */
export function hugePagesFact({ platform, env, read }: Machine): Fact | undefined {
  if (platform !== "linux") return undefined;
  const title = "huge pages";
  const mode = /\[(\w+)\]/.exec(read("/sys/kernel/mm/transparent_hugepage/enabled") ?? "")?.[1];
  if (mode === undefined)
    return warn("huge-pages", title, "not offered by this kernel", "Large operators run slower; nothing can be set.");
  if (mode === "never") {
    const todo = "As root: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
    return warn("huge-pages", title, "switched off in the kernel", todo);
  }
  const asked = env.GLIBC_TUNABLES?.includes("glibc.malloc.hugetlb=1") === true;
  if (asked || mode === "always") return ok("huge-pages", title, asked ? `${mode}, asked for` : mode);
  const todo = "Start through ./adsam, or set GLIBC_TUNABLES=glibc.malloc.hugetlb=1.";
  return warn("huge-pages", title, `${mode}, not asked for`, todo);
}

/** Free space where runs and builds are written. */
export function diskFact(machine: Machine, folder: string): Fact {
  const free = machine.freeDisk(folder);
  if (free === undefined) return ok("disk", "disk", `free space of ${folder} is not known`);
  const found = `${gigabytes(free)} free for ${folder}`;
  if (free >= 2e9) return ok("disk", "disk", found);
  return warn(
    "disk",
    "disk",
    found,
    "A training run writes up to 2 GB of checkpoints; make room or write elsewhere (--out).",
  );
}

/** ffmpeg, which `adsam predict` reads and writes video with. */
export async function ffmpegFact(machine: Machine): Promise<Fact> {
  const text = await machine.run("ffmpeg", ["-version"]);
  const version = /^ffmpeg version (\S+)/m.exec(text ?? "")?.[1];
  if (version !== undefined) return ok("ffmpeg", "ffmpeg", version);
  const todo =
    "Only video needs it. Debian, Ubuntu: sudo apt-get install ffmpeg; Fedora: sudo dnf install ffmpeg-free; macOS: brew install ffmpeg.";
  return warn("ffmpeg", "ffmpeg", "not installed", todo);
}
