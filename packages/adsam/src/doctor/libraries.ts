import { join } from "node:path";
import type { NativeBuild } from "@adsam/torch/native";
import type { Machine } from "./machine.js";

/** Shared libraries the addon stands on, as the system's loader finds them. */
export interface Libraries {
  /** Paths, links followed. */
  readonly paths: readonly string[];
  /** Names the loader looked for in vain. */
  readonly missing: readonly string[];
}

/**
 * Asks which libraries are behind the addon: this process's own, if libtorch is loaded in it, else those the loader would take.
 * Both see what the build does not: `LD_LIBRARY_PATH`, several flavours of one library, a package removed since.
 */
export async function addonLibraries(machine: Machine, build: NativeBuild): Promise<Libraries> {
  const maps = machine.read("/proc/self/maps");
  const listing = maps?.includes("/libtorch_cpu") ? maps : ((await machine.run("ldd", [build.addon])) ?? "");
  const found = listing.match(/\/\S+\.(?:so|dylib)\b\S*/g) ?? [];
  return {
    paths: [...new Set(found)].map((path) => machine.resolve(path)),
    missing: [...listing.matchAll(/(\S+) => not found/g)].map((match) => match[1] ?? ""),
  };
}

/** The libtorch the loader takes, where it is another than the one the addon was built against; calls would go astray. */
export function strayLibtorch(machine: Machine, { libtorch }: NativeBuild, { paths }: Libraries): string | undefined {
  const isTorch = (path: string) => path.includes("/libtorch_cpu.");
  const expected = ["", "lib", "lib64"]
    .flatMap((inner) => ["so", "dylib"].map((end) => join(libtorch.dir, inner, `libtorch_cpu.${end}`)))
    .find((path) => machine.exists(path));
  if (expected === undefined) return undefined;
  return paths.find((path) => isTorch(path) && path !== machine.resolve(expected));
}
