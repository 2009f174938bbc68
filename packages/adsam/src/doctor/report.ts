import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { NativeBuild } from "@adsam/torch/native";
import { blasFact } from "./blas.js";
import {
  cmakeFact,
  compilerFact,
  cudaFact,
  kernelsFact,
  type LibtorchSearch,
  libtorchFact,
  nativeFact,
  threadsFact,
} from "./engine-facts.js";
import type { EngineInfo, Fact } from "./facts.js";
import { addonLibraries } from "./libraries.js";
import { type Machine, thisMachine } from "./machine.js";
import {
  diskFact,
  ffmpegFact,
  hugePagesFact,
  memoryFact,
  nodeFact,
  processorFact,
  systemFact,
} from "./system-facts.js";

/** What `adsam doctor` found, as data. */
export interface DoctorReport {
  /** True unless a fact says `fail`: the commands can run. */
  readonly ok: boolean;
  readonly facts: readonly Fact[];
  readonly build: NativeBuild | undefined;
}

export interface DoctorOptions {
  /** The repository; found above this file when left out. */
  readonly root?: string;
  readonly machine?: Machine;
  /** The engine's own facts, where it could be loaded. */
  readonly engine?: EngineInfo;
  /** Why the engine could not be loaded, where that was tried: becomes a failed fact. */
  readonly engineError?: string;
  /** What a search for libtorch finds; asked of the set-up scripts when left out and nothing is built. */
  readonly search?: LibtorchSearch;
}

/** Looks at everything the project stands on. Loads no libtorch, so it answers also where that is what is broken. */
export async function gatherReport(options: DoctorOptions = {}): Promise<DoctorReport> {
  const { machine = thisMachine(), engine, engineError } = options;
  const root = options.root ?? repository();
  const build = readBuild(machine, root);
  const search = options.search ?? (build === undefined ? await searchLibtorch(root, machine) : undefined);
  const isBuilt = build !== undefined && machine.exists(build.addon);
  const libraries = build === undefined ? undefined : await addonLibraries(machine, build);
  const facts = [
    nodeFact(machine),
    systemFact(machine),
    processorFact(machine),
    await compilerFact(machine, isBuilt),
    await cmakeFact(machine, isBuilt),
    libtorchFact(build, search, engine),
    nativeFact(machine, build, libraries),
    engineErrorFact(engineError),
    build && libraries && (await blasFact(machine, build, libraries, engine)),
    kernelsFact(machine, engine),
    threadsFact(machine, engine),
    await cudaFact(machine, build, engine),
    memoryFact(machine),
    hugePagesFact(machine),
    diskFact(machine, root),
    await ffmpegFact(machine),
  ].filter((fact) => fact !== undefined);
  return { ok: facts.every((fact) => fact.status !== "fail"), facts, build };
}

function engineErrorFact(error: string | undefined): Fact | undefined {
  if (error === undefined) return undefined;
  const todo = error.includes("environment variable")
    ? "Correct that variable or unset it."
    : "Remove build/native and start the command again: it builds anew.";
  return { key: "engine", title: "engine", status: "fail", found: `cannot be loaded: ${error}`, todo };
}

function readBuild(machine: Machine, root: string): NativeBuild | undefined {
  const text = machine.read(join(root, "build", "native", "current.json"));
  try {
    return text === undefined ? undefined : (JSON.parse(text) as NativeBuild);
  } catch {
    return undefined;
  }
}

/** The folder with CMakeLists.txt above this file; the current one where there is none. */
function repository(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "CMakeLists.txt"))) {
    if (dirname(folder) === folder) return process.cwd();
    folder = dirname(folder);
  }
  return folder;
}

/** Asks the set-up, whose search this is; undefined where its scripts are not there, as in an installed package. */
async function searchLibtorch(root: string, machine: Machine): Promise<LibtorchSearch | undefined> {
  const script = join(root, "scripts", "setup", "libtorch.mjs");
  if (!existsSync(script)) return undefined;
  const { findLibtorch } = (await import(pathToFileURL(script).href)) as {
    findLibtorch(env: Machine["env"]): LibtorchSearch;
  };
  try {
    return findLibtorch(machine.env);
  } catch (error) {
    return { passedOver: [error instanceof Error ? error.message : String(error)] };
  }
}
