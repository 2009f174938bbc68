export {
  backward,
  checkpoint,
  customFunction,
  type FunctionContext,
  type FunctionDefinition,
  grad,
} from "./autograd.js";
export type { Device, MemoryFormat } from "./device.js";
export type { Dtype, TypedArray } from "./dtype.js";
export * from "./generated/functions.js";
export { Generator } from "./generator.js";
export {
  type Checkpoint,
  CheckpointFile,
  loadCheckpoint,
  loadSafetensors,
  openCheckpoint,
  StoredTensor,
  saveCheckpoint,
  saveSafetensors,
} from "./io/index.js";
export { emptyCache, liveTensors, type MemoryUsage, memoryUsage } from "./memory.js";
export { autocast, enableGrad, isGradEnabled, noGrad, withDevice } from "./mode.js";
export * as nn from "./nn/index.js";
export { callOperator, callOperatorAsync, schemaOf, withObserver } from "./operators.js";
export * as optim from "./optim/index.js";
export { Problem, type ProblemParts } from "./problem.js";
export { keep, scope } from "./scope.js";
export { DeviceEvent, Download, onSideStream, send } from "./streams.js";
export { type Nested, type Size, Tensor } from "./tensor.js";
export { buildInfo, loadLibrary, numThreads, setNumThreads } from "./threads.js";
