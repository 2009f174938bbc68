import { callOperator, loadLibrary } from "@adsam/torch";
import { nativeBuild } from "@adsam/torch/native";

let loaded = false;

/** An operator of namespace `adsam`; the library that registers them (native/) is loaded at the first call. */
export function callKernel(name: string, args: readonly unknown[]): unknown {
  if (!loaded) {
    loadLibrary(nativeBuild().kernels);
    loaded = true;
  }
  return callOperator(`adsam::${name}`, "", args);
}
