import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NativeBuild } from "@adsam/torch/native";
import type { Fact } from "../src/doctor/facts.js";
import { formatDoctor } from "../src/doctor/format.js";
import type { Machine } from "../src/doctor/machine.js";
import { type DoctorOptions, gatherReport } from "../src/doctor/report.js";
import { machineTitle } from "../src/study/runner/machine.js";

const openmp = "/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblasp-r0.3.21.so";
const build: NativeBuild = {
  hash: "0123456789abcdef",
  addon: "/r/build/native/0123456789abcdef/adsam_torch.node",
  kernels: "/r/build/native/0123456789abcdef/libadsam_kernels.so",
  work: "/r/build/native/work-01234567",
  cudaKernels: { built: false, text: "libtorch has no CUDA" },
  pictures: "/r/build/native/0123456789abcdef/adsam_pictures.node",
  libtorch: { dir: "/usr/lib/x86_64-linux-gnu", version: "1.13.0", source: "system", cuda: false },
};

interface Answers extends Partial<Omit<Machine, "read" | "exists" | "run" | "find">> {
  readonly files?: Readonly<Record<string, string>>;
  readonly programs?: Readonly<Record<string, string>>;
}

const files = {
  "/etc/os-release": 'NAME=x\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  "/proc/cpuinfo": "model name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512bw\n",
  "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
  "/r/build/native/current.json": JSON.stringify(build),
  [build.addon]: "",
  [build.kernels]: "",
  [build.pictures]: "",
};
const programs = {
  "c++": "c++ (Debian 12.2.0) 12.2.0\nCopyright",
  cmake: "cmake version 3.25.1\n",
  make: "",
  ffmpeg: "ffmpeg version 5.1.6 Copyright",
  ldd: `\tlibblas.so.3 => /usr/lib/x86_64-linux-gnu/openblas-openmp/libblas.so.3 (0x7f)\n\tlibopenblas.so.0 => ${openmp} (0x7f)\n`,
  "/bin/true": "Core: SkylakeX\n",
};

/** A healthy Debian on a processor with AVX-512, but for what is said. */
function machine({ files: changed, programs: others, ...rest }: Answers = {}): Machine {
  const allFiles: Record<string, string | undefined> = changed ?? files;
  const allPrograms: Record<string, string | undefined> = others ?? programs;
  return {
    env: { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" },
    platform: "linux",
    arch: "x64",
    kernel: "6.1.0",
    node: { version: "20.9.0", abi: "115", path: "/usr/bin/node" },
    glibc: "2.36",
    processors: 8,
    memory: { total: 16e9, free: 9e9 },
    resolve: (path) => path,
    freeDisk: () => 50e9,
    ...rest,
    read: (path) => allFiles[path],
    exists: (path) => allFiles[path] !== undefined,
    find: (program) => (allPrograms[program] === undefined ? undefined : `/usr/bin/${program}`),
    run: async (program) => allPrograms[program],
  };
}

function without<T extends object>(table: T, ...keys: string[]): T {
  return Object.fromEntries(Object.entries(table).filter(([key]) => !keys.includes(key))) as T;
}

async function report(answers: Answers = {}, options: DoctorOptions = {}) {
  return gatherReport({ root: "/r", machine: machine(answers), ...options });
}

async function fact(key: string, answers: Answers = {}, options: DoctorOptions = {}): Promise<Fact> {
  const found = (await report(answers, options)).facts.find((candidate) => candidate.key === key);
  assert.ok(found, `a fact called ${key}`);
  return found;
}

test("on a healthy machine every fact is ok and says what was found", async () => {
  const { ok, facts } = await report();
  assert.deepEqual(
    facts.filter(({ status }) => status !== "ok"),
    [],
  );
  assert.equal(ok, true);
  const found = Object.fromEntries(facts.map((each) => [each.key, each.found]));
  assert.equal(found.node, "20.9.0 (ABI 115) in /usr/bin/node");
  assert.equal(found.system, "Debian GNU/Linux 12 (bookworm), linux 6.1.0 x64, glibc 2.36");
  assert.equal(found.processor, "AMD EPYC, 8 in use, AVX-512");
  assert.equal(found.compiler, "c++ (Debian 12.2.0) 12.2.0 (c++)");
  assert.equal(found.cmake, "3.25.1, with make");
  assert.equal(found.libtorch, "1.13.0 in /usr/lib/x86_64-linux-gnu, of the system's package");
  assert.equal(found.blas, "libopenblasp-r0.3.21.so in /usr/lib/x86_64-linux-gnu/openblas-openmp, kernels SkylakeX");
  assert.equal(found.threads, "8 for 8 processors");
  assert.equal(found.cuda, "not used: no NVIDIA device on this machine");
  assert.equal(found.memory, "16.0 GB, 9.0 GB of it free");
});

test("every fact that is not ok says what to do", async () => {
  const bare = { files: {}, programs: {}, glibc: undefined, memory: { total: 2e9, free: 1e9 }, freeDisk: () => 1e9 };
  const { ok, facts } = await report(
    { ...bare, node: { version: "18.19.0", abi: "108", path: "/n" } },
    { search: { passedOver: [] } },
  );
  assert.equal(ok, false);
  for (const { key, status, todo } of facts) assert.equal(todo !== undefined && todo.length > 10, status !== "ok", key);
  const failed = facts.filter(({ status }) => status === "fail").map(({ key }) => key);
  assert.deepEqual(failed, ["node", "system", "compiler", "cmake", "libtorch"]);
});

describe("libtorch", () => {
  const unbuilt = { files: without(files, "/r/build/native/current.json") };

  test("found but not built against yet", async () => {
    const chosen = { ...build.libtorch, source: "python", dir: "/venv/torch", version: "2.6.0" } as const;
    const search = { chosen, passedOver: ["/old is libtorch 1.9; 1.13 or newer is needed"] };
    const { status, found } = await fact("libtorch", unbuilt, { search });
    assert.equal(status, "ok");
    assert.equal(
      found,
      "2.6.0 in /venv/torch, of the installed Python torch; /old is libtorch 1.9; 1.13 or newer is needed",
    );
    assert.equal((await fact("native", unbuilt, { search })).status, "warn");
  });

  test("not found: the commands that bring it", async () => {
    const { status, todo } = await fact("libtorch", unbuilt, { search: { passedOver: [] } });
    assert.equal(status, "fail");
    assert.match(
      todo ?? "",
      /apt-get install --no-install-recommends libtorch-dev libopenblas0-openmp.*pip install torch.*LIBTORCH/,
    );
  });

  test("a library of the build that has gone, and an engine that does not load, are failures", async () => {
    assert.equal((await fact("native", { files: without(files, build.kernels) })).status, "fail");
    const engine = await fact("engine", {}, { engineError: "undefined symbol: x" });
    assert.deepEqual([engine.status, engine.found], ["fail", "cannot be loaded: undefined symbol: x"]);
    assert.match(engine.todo!, /build\/native/);
    const asked = await fact("engine", {}, { engineError: "environment variable ADSAM_CPU_KERNELS: found sse9" });
    assert.match(asked.todo!, /^Correct that variable/);
  });
});

describe("the libraries behind the native part", () => {
  test("the loader takes another libtorch than the one built against", async () => {
    const ldd = "\tlibtorch_cpu.so => /opt/other/libtorch_cpu.so (0x7f)\n";
    const ours = `${build.libtorch.dir}/libtorch_cpu.so`;
    const both = { programs: { ...programs, ldd }, files: { ...files, [ours]: "" } };
    const { status, found, todo } = await fact("native", both);
    assert.equal(status, "fail");
    assert.equal(found, "built against /usr/lib/x86_64-linux-gnu, but the loader takes /opt/other/libtorch_cpu.so");
    assert.match(todo ?? "", /LD_LIBRARY_PATH/);
    // Debian's loader names /lib/…, a link to /usr/lib/…: the same library
    const resolve = (path: string) => path.replace("/opt/other", build.libtorch.dir);
    assert.equal((await fact("native", { ...both, resolve })).status, "ok");
  });

  test("one has gone since", async () => {
    const ldd = `${programs.ldd}\tlibgloo.so.0 => not found\n`;
    const { status, found } = await fact("native", { programs: { ...programs, ldd } });
    assert.deepEqual([status, found], ["fail", "libgloo.so.0 not found by the loader"]);
  });

  test("an engine asked in another process: its libraries are those the loader would take", async () => {
    const engine = { version: "1.13.1", cuda: false, threads: 8, config: "" };
    const here = { ...files, "/proc/self/maps": "7f00-7f01 r-xp 00000000 08:01 1 /usr/lib/libc.so.6\n" };
    assert.match((await fact("blas", { files: here }, { engine })).found, /^libopenblasp-r0\.3\.21\.so/);
  });
});

test("a compiler is needed only until the native part stands", async () => {
  const noCompiler = { programs: without(programs, "c++") };
  assert.equal((await fact("compiler", noCompiler)).status, "warn");
  const unbuilt = { ...noCompiler, files: without(files, build.addon) };
  assert.equal((await fact("compiler", unbuilt)).status, "fail");
  assert.match((await fact("cmake", { programs: without(programs, "make") })).todo ?? "", /apt-get install .* make;/);
});

describe("BLAS", () => {
  test("OpenBLAS with its own threads", async () => {
    const ldd = programs.ldd.replaceAll("openmp", "pthread");
    const { status, todo } = await fact("blas", { programs: { ...programs, ldd } });
    assert.equal(status, "warn");
    assert.match(todo ?? "", /libopenblas0-openmp/);
  });

  test("AVX2 kernels on a processor with AVX-512", async () => {
    const narrow = { ...programs, "/bin/true": "Core: Haswell\n" };
    const { status, found, todo } = await fact("blas", { programs: narrow });
    assert.equal(status, "warn");
    assert.match(found, /kernels Haswell$/);
    assert.match(todo ?? "", /OPENBLAS_CORETYPE=SkylakeX/);
    const without512 = { ...files, "/proc/cpuinfo": "flags : avx2\n" };
    assert.equal((await fact("blas", { programs: narrow, files: without512 })).status, "ok");
  });

  test("the library really loaded counts more than the one that would be", async () => {
    const maps =
      "7f00-7f01 r-xp 00000000 08:01 1 /usr/lib/libtorch_cpu.so.1.13\n7f02-7f03 r-xp 00000000 08:01 1 /usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0\n";
    const engine = { version: "1.13.1", cuda: false, threads: 8, config: "" };
    const { status, found } = await fact("blas", { files: { ...files, "/proc/self/maps": maps } }, { engine });
    assert.deepEqual([status, found], ["warn", "libblas.so.3.11.0 in /usr/lib/x86_64-linux-gnu/blas"]);
  });

  test("MKL inside pip's libtorch", async () => {
    const engine = {
      version: "2.6.0",
      cuda: false,
      threads: 8,
      config: "  - Intel(R) oneAPI Math Kernel Library Version 2024.2\n",
    };
    const { status, found } = await fact(
      "blas",
      { programs: { ...programs, ldd: "\tlibc.so.6 => /usr/lib/libc.so.6 (0x7f)\n" } },
      { engine },
    );
    assert.deepEqual([status, found], ["ok", "oneAPI Math Kernel Library Version 2024.2, inside libtorch 1.13.0"]);
  });
});

test("the kernels that run, once the engine has been asked", async () => {
  const engine = { version: "1.13.1", cuda: false, threads: 8, config: "", kernels: "avx512_bf16" };
  const widest = await fact("kernels", {}, { engine });
  assert.deepEqual([widest.status, widest.found], ["ok", "avx512_bf16"]);
  const held = { env: { ADSAM_CPU_KERNELS: "avx2" } };
  const narrow = await fact("kernels", held, { engine: { ...engine, kernels: "avx2" } });
  assert.deepEqual([narrow.status, narrow.found], ["warn", "avx2 (ADSAM_CPU_KERNELS)"]);
  assert.equal(
    (await report()).facts.find(({ key }) => key === "kernels"),
    undefined,
  );
});

test("threads: too many and too few", async () => {
  assert.equal((await fact("threads", { env: { OMP_NUM_THREADS: "16" } })).status, "warn");
  assert.equal((await fact("threads", { env: { OMP_NUM_THREADS: "2" } })).status, "warn");
  const engine = { version: "2.6.0", cuda: false, threads: 6, config: "" };
  assert.equal((await fact("threads", {}, { engine })).found, "6 for 8 processors");
});

describe("CUDA", () => {
  const gpu = { ...programs, "nvidia-smi": "NVIDIA H200, 143771 MiB, 550.54\n" };
  const cudaBuild = {
    ...files,
    "/r/build/native/current.json": JSON.stringify({ ...build, libtorch: { ...build.libtorch, cuda: true } }),
  };

  test("a device, but a libtorch without CUDA", async () => {
    const { status, found, todo } = await fact("cuda", { programs: gpu });
    assert.deepEqual(
      [status, found],
      ["warn", "NVIDIA H200, 143771 MiB, 550.54, but this libtorch was built without CUDA"],
    );
    assert.match(todo ?? "", /pip install torch/);
  });

  test("no compiler for the kernels, then everything there", async () => {
    const kernels = (built: boolean, text: string) => ({
      ...files,
      "/r/build/native/current.json": JSON.stringify({
        ...build,
        cudaKernels: { built, text },
        libtorch: { ...build.libtorch, cuda: true },
      }),
    });
    const missing = "no nvcc that works was found (PATH, CUDACXX)";
    const without = await fact("cuda", { programs: gpu, files: kernels(false, missing) });
    assert.deepEqual(
      [without.status, without.found],
      ["warn", `NVIDIA H200, 143771 MiB, 550.54, without the fused kernels: ${missing}`],
    );
    const whole = await fact("cuda", { programs: gpu, files: kernels(true, "nvcc 13.0.88, architectures 90") });
    assert.deepEqual(
      [whole.status, whole.found],
      ["ok", "NVIDIA H200, 143771 MiB, 550.54; kernels by nvcc 13.0.88, architectures 90"],
    );
  });

  test("a device file without a driver that answers", async () => {
    const { status, todo } = await fact("cuda", { files: { ...cudaBuild, "/dev/nvidiactl": "" } });
    assert.equal(status, "warn");
    assert.match(todo ?? "", /--gpus all/);
  });
});

test("huge pages: off, not asked for, asked for", async () => {
  const path = "/sys/kernel/mm/transparent_hugepage/enabled";
  assert.match(
    (await fact("huge-pages", { files: { ...files, [path]: "always madvise [never]" } })).todo ?? "",
    /echo madvise/,
  );
  assert.match((await fact("huge-pages", { env: {} })).todo ?? "", /GLIBC_TUNABLES/);
  assert.equal(
    (await fact("huge-pages", { env: {}, files: { ...files, [path]: "[always] madvise never" } })).status,
    "ok",
  );
});

test("as text: one line a fact, what to do below it, a verdict at the end", () => {
  const facts: Fact[] = [
    { key: "node", title: "Node.js", status: "ok", found: "20.9.0" },
    { key: "cuda", title: "CUDA", status: "warn", found: "no nvcc", todo: "Install it." },
  ];
  const text = "ok    Node.js  20.9.0\nwarn  CUDA     no nvcc\n               -> Install it.\n\n";
  assert.equal(formatDoctor({ ok: true, facts, build }), `${text}Everything needed is there; 1 could be better.`);
  const failed: Fact = { key: "x", title: "x", status: "fail", found: "y", todo: "z" };
  assert.match(formatDoctor({ ok: false, facts: [...facts, failed], build }), /1 to mend before/);
  assert.match(formatDoctor({ ok: true, facts: facts.slice(0, 1), build }), /\nEverything is there\.$/);
});

test("this machine can be asked", async () => {
  const { facts } = await gatherReport();
  assert.equal(facts.find(({ key }) => key === "node")?.status, "ok");
  assert.ok(facts.length >= 12);
});

test("a study names the GPU that its work is done on", async () => {
  const gpus = machine({ programs: { "nvidia-smi": "NVIDIA H200\n" }, env: { CUDA_VISIBLE_DEVICES: "3,5" } });
  const title = (device: string, hasCuda = true) => machineTitle(device, gpus, hasCuda);
  assert.equal(await title("cpu"), "8 × AMD EPYC, 16 GB");
  for (const device of ["auto", "cuda", "cuda:1"])
    assert.equal(await title(device), "8 × AMD EPYC, 16 GB, NVIDIA H200");
  assert.equal(await title("auto", false), "8 × AMD EPYC, 16 GB");
  const mute = machine({ programs: {} });
  assert.equal(await machineTitle("auto", mute, true), "8 × AMD EPYC, 16 GB");
  assert.equal(await machineTitle("cuda", mute, true), "8 × AMD EPYC, 16 GB, a CUDA device");
});
