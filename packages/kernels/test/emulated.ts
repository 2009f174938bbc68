import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { callOperator, loadLibrary } from "@adsam/torch";
import { nativeBuild } from "@adsam/torch/native";

const library = `libadsam_kernels_emulated.${process.platform === "darwin" ? "dylib" : "so"}`;
let loaded = false;

/** Why the CUDA kernels cannot be run on the CPU here; undefined where they can. */
export function whyNotEmulated(): string | undefined {
  const { work } = nativeBuild();
  return work !== undefined && existsSync(join(work, "CMakeCache.txt"))
    ? undefined
    : "the folder that the native part was built in is gone";
}

/** A CUDA kernel's operator on CPU tensors: the sources of the GPU, run thread by thread (native/test/emulated). Built at the first call. */
export function callEmulated(name: string, args: readonly unknown[]): unknown {
  if (!loaded) {
    const { work } = nativeBuild();
    execFileSync("cmake", ["--build", work, "--target", "adsam_kernels_emulated"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    loadLibrary(nativeBuild().kernels);
    loadLibrary(join(work, library));
    loaded = true;
  }
  return callOperator(`adsam_emulated::${name}`, "", args);
}
