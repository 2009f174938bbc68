import { native } from "./native.js";

/** Tensors alive on this thread and the bytes of the storages they own. */
export function liveTensors(): { readonly count: number; readonly bytes: number } {
  return native().liveTensors();
}
