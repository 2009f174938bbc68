export {
  type Checkpoint,
  type LoadOptions,
  loadCheckpoint,
  loadSafetensors,
  openCheckpoint,
  saveCheckpoint,
  saveSafetensors,
} from "./checkpoint.js";
export { loadStateDict, type StateDictOptions } from "./state-dict.js";
export { TorchLiteral, type Tree, type TreeKey, Tuple, type WritableTree } from "./tree.js";
