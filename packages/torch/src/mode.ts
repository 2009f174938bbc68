import { AsyncLocalStorage } from "node:async_hooks";
import type { Device } from "./device.js";
import type { Dtype } from "./dtype.js";
import { native } from "./native.js";
import type { Scope } from "./scope.js";

/**
 * What surrounds an operator call: the scope that will own its results, whether a graph is recorded, mixed precision, and where
 * new tensors are made.
 * It travels with the async context, so that two concurrent requests and everything after an `await` see their own.
 */
export interface Mode {
  readonly scope: Scope | undefined;
  readonly gradEnabled: boolean;
  readonly autocast: { readonly device: "cpu" | "cuda"; readonly dtype: Dtype } | undefined;
  /** Where factory functions make tensors that name no device; undefined: the CPU. */
  readonly device: Device | undefined;
}

const storage = new AsyncLocalStorage<Mode>();
const outside: Mode = { scope: undefined, gradEnabled: true, autocast: undefined, device: undefined };

/** libtorch's switches are thread-local; they are thrown only when the mode differs from the one that ran last. */
let nativeGrad = true;
let nativeAutocast: Mode["autocast"];

export function currentMode(): Mode {
  return storage.getStore() ?? outside;
}

/** Runs `body`, and everything it awaits, under the current mode with `change` applied. */
export function withMode<T>(change: Partial<Mode>, body: () => T): T {
  return storage.run({ ...currentMode(), ...change }, body);
}

/** Throws libtorch's switches to the current mode; called before every operator. */
export function activateMode(): Mode {
  const mode = currentMode();
  if (mode.gradEnabled !== nativeGrad) {
    native().setGradMode(mode.gradEnabled);
    nativeGrad = mode.gradEnabled;
  }
  if (mode.autocast !== nativeAutocast) {
    if (nativeAutocast) {
      native().autocast(nativeAutocast.device, false, nativeAutocast.dtype);
      native().clearAutocastCache();
    }
    if (mode.autocast) native().autocast(mode.autocast.device, true, mode.autocast.dtype);
    nativeAutocast = mode.autocast;
  }
  return mode;
}

/**
 * Runs a callback that libtorch's engine makes in the midst of `backward`: the engine has set the switches its own way and
 * gets them back afterwards.
 */
export function insideEngine<T>(gradEnabled: boolean, body: () => T): T {
  const before = nativeGrad;
  const { autocast } = currentMode();
  nativeGrad = gradEnabled;
  try {
    return withMode({ gradEnabled }, body);
  } finally {
    withMode({ gradEnabled, autocast }, activateMode);
    nativeGrad = before;
  }
}

/** Whether operators record a graph here, for tensors that require gradients. */
export function isGradEnabled(): boolean {
  return currentMode().gradEnabled;
}

/** Runs `body` without recording a graph. */
export function noGrad<T>(body: () => T): T {
  return withMode({ gradEnabled: false }, body);
}

/** Runs `body` with a graph recorded, also inside `noGrad`. */
export function enableGrad<T>(body: () => T): T {
  return withMode({ gradEnabled: true }, body);
}

/**
 * Automatic mixed precision: matrix products and convolutions run in `dtype`, what needs range stays in float32.
 * @param dtype "bfloat16" (CPU, CUDA) or "float16" (CUDA); "float32" turns it off.
 */
export function autocast<T>(options: { device: "cpu" | "cuda"; dtype: Dtype }, body: () => T): T {
  return withMode({ autocast: options.dtype === "float32" ? undefined : { ...options } }, body);
}

/**
 * Runs `body` with tensors made on `device` where nobody names one (`zeros`, `empty`, …, `Tensor.of`), as PyTorch's
 * `with torch.device(…)`. A network built on "meta" has its shapes and takes no memory: its forward gives shapes too.
 */
export function withDevice<T>(device: Device, body: () => T): T {
  return withMode({ device }, body);
}
