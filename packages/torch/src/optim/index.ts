export { AdamW, type AdamWOptions } from "./adamw.js";
export { clipGradNorm_, clipGradValue_ } from "./clip.js";
export { DeviceGradScaler } from "./device-grad-scaler.js";
export { GradScaler, type GradScalerOptions, type GradScalerState } from "./grad-scaler.js";
export { LrScheduler, type SchedulerState } from "./lr-scheduler.js";
export { type CommonOptions, type GroupSpec, Optimizer, type ParamGroup } from "./optimizer.js";
export { constant, cosine, linearWarmup, polynomial, type Schedule } from "./schedules.js";
export { SGD, type SgdOptions } from "./sgd.js";
export type { GroupRecord, OptimizerState, StateRecord } from "./state.js";
