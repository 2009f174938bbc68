export {
  type Checkpoint,
  type LoadOptions,
  loadCheckpoint,
  loadSafetensors,
  openCheckpoint,
  saveCheckpoint,
  saveSafetensors,
} from "./checkpoint.js";
export { CheckpointFile } from "./checkpoint-file.js";
export { loadStateDict, type StateDictOptions } from "./state-dict.js";
export { StoredTensor } from "./stored-tensor.js";
export { TorchLiteral, type Tree, type TreeKey, Tuple, type WritableTree } from "./tree.js";
